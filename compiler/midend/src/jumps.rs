//! Statements without jumps: `Leave` and `Exit` become the structure of the statements around them.
//!
//! What follows a statement that may leave moves to where it is reached:
//!
//! 1. At the end of what is left, a `Leave` does nothing and is dropped.
//! 2. Where a single branch of an `If` or `Apply` goes on, what follows moves into that branch.
//! 3. Where several go on and some do not, a `Leave` sets a guard, a local field of one bit that
//!    starts at zero, and what follows runs only while the guard is zero.
//!
//! Nothing is copied, so that every table stays where it stood once. A label of the result is no
//! target any more; [`StmtKind::Labeled`] remains to say what belongs together. Loops are refused.

use indexmap::{IndexMap, IndexSet};
use p4rmt_ir::{
    Arena, Arm, BinaryOp, Bits, Block, Expr, Field, FieldId, FieldKind, LabelId, Outcome, Place,
    Stmt, StmtKind, UnaryOp,
};
use p4rmt_source::Span;

use crate::error::MidendError;

/// What can be left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Target {
    /// A labelled block.
    Label(LabelId),
    /// The control or action.
    Control,
}

/// How a block can end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Ends {
    /// Whether control can reach its end.
    falls: bool,
    /// What it can leave.
    leaves: IndexSet<Target>,
}

/// How deep branches may nest: what follows a branch that leaves goes into another one.
const MAX_DEPTH: usize = 256;

/// Removes the jumps from a control, which a packet runs through once, or from the body of an
/// action, which it may run several times: there, guards are set back first.
pub(crate) fn without_jumps(
    body: Block,
    sets_guards_back: bool,
    fields: &mut Arena<FieldId, Field>,
    errors: &mut Vec<MidendError>,
) -> Block {
    let mut jumps = Jumps {
        fields,
        guards: IndexMap::new(),
        errors,
        depth: 0,
        is_too_deep: false,
    };
    let body = jumps.block(body, &[Target::Control]);
    if !sets_guards_back {
        return body;
    }
    let cleared = jumps.guards.values().map(|guard| Stmt {
        kind: StmtKind::Assign {
            dst: Place::Field(*guard),
            value: Expr::Const(Bits::from_bool(false)),
        },
        span: Span::NONE,
    });
    cleared.chain(body).collect()
}

struct Jumps<'a> {
    fields: &'a mut Arena<FieldId, Field>,
    guards: IndexMap<Target, FieldId>,
    errors: &'a mut Vec<MidendError>,
    depth: usize,
    /// Whether that has been said.
    is_too_deep: bool,
}

impl Jumps<'_> {
    /// Rewrites a block. `behind` are the targets that begin right behind it: leaving for one of
    /// them is reaching the end.
    fn block(&mut self, stmts: Block, behind: &[Target]) -> Block {
        if self.is_too_deep {
            return Vec::new();
        }
        if self.depth == MAX_DEPTH {
            if let Some(stmt) = stmts.first() {
                let span = stmt.span;
                let limit = MAX_DEPTH;
                self.errors.push(MidendError::TooDeep { limit, span });
                self.is_too_deep = true;
            }
            return Vec::new();
        }
        self.depth += 1;
        let result = self.stmts(stmts, behind);
        self.depth -= 1;
        result
    }

    fn stmts(&mut self, stmts: Block, behind: &[Target]) -> Block {
        let mut result = Vec::new();
        let mut stmts = stmts.into_iter();
        while let Some(stmt) = stmts.next() {
            let ends = ends_of(&stmt);
            if ends.leaves.is_empty() && ends.falls {
                let is_last = stmts.len() == 0;
                let stmt = self.without_leaves(stmt, if is_last { behind } else { &[] });
                result.push(stmt);
                continue;
            }
            let rest: Block = stmts.collect();
            self.leaving(stmt, &ends, rest, behind, &mut result);
            break;
        }
        result
    }

    /// Rewrites a statement that leaves nothing outside it.
    fn without_leaves(&mut self, stmt: Stmt, behind: &[Target]) -> Stmt {
        let Stmt { kind, span } = stmt;
        let kind = match kind {
            StmtKind::If {
                cond,
                then,
                otherwise,
            } => StmtKind::If {
                cond,
                then: self.block(then, behind),
                otherwise: self.block(otherwise, behind),
            },
            StmtKind::Apply { table, arms } => StmtKind::Apply {
                table,
                arms: arms
                    .into_iter()
                    .map(|Arm { on, body }| Arm {
                        on,
                        body: self.block(body, behind),
                    })
                    .collect(),
            },
            StmtKind::Labeled { label, body } => {
                let mut behind = behind.to_vec();
                behind.push(Target::Label(label));
                StmtKind::Labeled {
                    label,
                    body: self.block(body, &behind),
                }
            }
            StmtKind::Loop { label, body } => {
                self.errors.push(MidendError::Loop { span });
                StmtKind::Loop { label, body }
            }
            kind @ (StmtKind::Assign { .. }
            | StmtKind::Call(_)
            | StmtKind::Leave(_)
            | StmtKind::Exit
            | StmtKind::Extract { .. }
            | StmtKind::Advance { .. }
            | StmtKind::Verify { .. }
            | StmtKind::Emit { .. }) => kind,
        };
        Stmt { kind, span }
    }

    /// Rewrites a statement that may leave something outside it, and what follows it.
    fn leaving(
        &mut self,
        stmt: Stmt,
        ends: &Ends,
        rest: Block,
        behind: &[Target],
        result: &mut Block,
    ) {
        let Stmt { kind, span } = stmt;
        match kind {
            StmtKind::Leave(label) => self.leave(Target::Label(label), span, behind, result),
            StmtKind::Exit => self.leave(Target::Control, span, behind, result),
            kind if rest.is_empty() || !ends.falls => {
                result.push(self.without_leaves(Stmt { kind, span }, behind));
            }
            StmtKind::If {
                cond,
                mut then,
                mut otherwise,
            } if ends_of_block(&then).falls != ends_of_block(&otherwise).falls => {
                if ends_of_block(&then).falls {
                    then.extend(rest);
                } else {
                    otherwise.extend(rest);
                }
                let kind = StmtKind::If {
                    cond,
                    then,
                    otherwise,
                };
                result.push(self.without_leaves(Stmt { kind, span }, behind));
            }
            StmtKind::Apply { table, mut arms } if let Some(way_on) = only_way_on(&arms) => {
                match way_on {
                    WayOn::Arm(position) => arms[position].body.extend(rest),
                    WayOn::New(on) => arms.push(Arm { on, body: rest }),
                }
                let kind = StmtKind::Apply { table, arms };
                result.push(self.without_leaves(Stmt { kind, span }, behind));
            }
            StmtKind::Labeled { label, mut body }
                if !ends_of_block(&body).leaves.contains(&Target::Label(label)) =>
            {
                body.extend(rest);
                result.extend(self.block(body, behind));
            }
            kind => {
                result.push(self.without_leaves(Stmt { kind, span }, &[]));
                let body = self.block(rest, behind);
                if !body.is_empty() {
                    let cond = self.none_left(&ends.leaves);
                    let kind = StmtKind::If {
                        cond,
                        then: body,
                        otherwise: Vec::new(),
                    };
                    result.push(Stmt { kind, span });
                }
            }
        }
    }

    fn leave(&mut self, target: Target, span: Span, behind: &[Target], result: &mut Block) {
        if behind.contains(&target) {
            return;
        }
        let kind = StmtKind::Assign {
            dst: Place::Field(self.guard(target)),
            value: Expr::Const(Bits::from_bool(true)),
        };
        result.push(Stmt { kind, span });
    }

    /// Holds where none of the guards is set.
    fn none_left(&mut self, targets: &IndexSet<Target>) -> Expr {
        let any = targets
            .iter()
            .map(|target| Expr::Field(self.guard(*target)))
            .reduce(|left, right| Expr::binary(BinaryOp::Or, left, right))
            .expect("only a statement that leaves something is guarded");
        Expr::unary(UnaryOp::Not, any)
    }

    fn guard(&mut self, target: Target) -> FieldId {
        *self.guards.entry(target).or_insert_with(|| {
            self.fields.push(Field {
                name: match target {
                    Target::Label(label) => format!("left-{label}"),
                    Target::Control => "exited".to_owned(),
                },
                width: 1,
                is_signed: false,
                kind: FieldKind::Local,
                span: Span::NONE,
            })
        })
    }
}

/// The branch of an `Apply` that goes on.
enum WayOn {
    /// This arm.
    Arm(usize),
    /// None of the arms, but this outcome.
    New(Outcome),
}

/// The only branch that goes on, if there is just one.
fn only_way_on(arms: &[Arm]) -> Option<WayOn> {
    let mut ways: Vec<WayOn> = arms
        .iter()
        .enumerate()
        .filter(|(_, arm)| ends_of_block(&arm.body).falls)
        .map(|(position, _)| WayOn::Arm(position))
        .collect();
    if !covers_all(arms) {
        ways.push(WayOn::New(match arms {
            [arm] if arm.on == Outcome::Hit => Outcome::Miss,
            [arm] if arm.on == Outcome::Miss => Outcome::Hit,
            _ => Outcome::Otherwise,
        }));
    }
    match (ways.pop(), ways.is_empty()) {
        (Some(way), true) => Some(way),
        _ => None,
    }
}

/// Whether one of the arms always runs.
fn covers_all(arms: &[Arm]) -> bool {
    let has = |outcome| arms.iter().any(|arm| arm.on == outcome);
    has(Outcome::Otherwise) || has(Outcome::Hit) && has(Outcome::Miss)
}

fn ends_of_block(stmts: &[Stmt]) -> Ends {
    let mut ends = Ends {
        falls: true,
        leaves: IndexSet::new(),
    };
    for stmt in stmts {
        let of_stmt = ends_of(stmt);
        ends.leaves.extend(of_stmt.leaves);
        if !of_stmt.falls {
            ends.falls = false;
            break;
        }
    }
    ends
}

fn ends_of(stmt: &Stmt) -> Ends {
    let leaves_for = |target| Ends {
        falls: false,
        leaves: IndexSet::from([target]),
    };
    match &stmt.kind {
        StmtKind::Leave(label) => leaves_for(Target::Label(*label)),
        StmtKind::Exit => leaves_for(Target::Control),
        StmtKind::If {
            then, otherwise, ..
        } => either(ends_of_block(then), ends_of_block(otherwise)),
        StmtKind::Apply { arms, .. } => {
            let none = Ends {
                falls: !covers_all(arms),
                leaves: IndexSet::new(),
            };
            arms.iter()
                .map(|arm| ends_of_block(&arm.body))
                .fold(none, either)
        }
        StmtKind::Labeled { label, body } => {
            let mut ends = ends_of_block(body);
            ends.falls |= ends.leaves.shift_remove(&Target::Label(*label));
            ends
        }
        // Refused, whatever is in it.
        StmtKind::Loop { .. }
        | StmtKind::Assign { .. }
        | StmtKind::Call(_)
        | StmtKind::Extract { .. }
        | StmtKind::Advance { .. }
        | StmtKind::Verify { .. }
        | StmtKind::Emit { .. } => Ends {
            falls: true,
            leaves: IndexSet::new(),
        },
    }
}

fn either(mut left: Ends, right: Ends) -> Ends {
    left.falls |= right.falls;
    left.leaves.extend(right.leaves);
    left
}
