//! Names of the control plane (clauses 18.3, 20.3.3): each stands for one table, action, extern
//! instance or value set.
//!
//! A name is local to its parser or control, whose instances have names of their own, unless `@name`
//! begins with a dot: then all instances share it, so that there can be only one. An architecture whose
//! control plane finds actions by their table says so, by [`BY_TABLE`] on its package: then several
//! actions may have one name of that kind.

use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, Annotation, ControlLocal, DeclarationKind, Expr, ParserLocal};

use crate::check::Checker;
use crate::decl::DeclId;
use crate::hash::FastMap;
use crate::rules::annotations::string_of;
use crate::rules::tables::action_refs;
use crate::rules::violation::Violation;
use crate::typed::Callee;
use crate::types::{Sort, TypeKind};
use crate::walk::{self, Site, Visitor};

/// The annotation of a package whose control plane finds actions by their table.
const BY_TABLE: &str = "actions_by_table";

/// What the control plane can have several of under different names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Table,
    Action,
    Instance,
    ValueSet,
}

impl Kind {
    fn article(self) -> &'static str {
        match self {
            Self::Table => "a table",
            Self::Action => "an action",
            Self::Instance => "an extern instance",
            Self::ValueSet => "a value set",
        }
    }
}

/// Looks at all names that the control plane sees.
pub(crate) fn check<'a>(check: &mut Checker<'a>, program: &'a ast::Program) {
    let counts = instance_counts(check, program);
    let mut names = Names {
        seen: FastMap::default(),
        listed: listed_actions(check, program),
        finds_by_table: finds_by_table(program),
    };
    for declaration in &program.declarations {
        match &declaration.kind {
            DeclarationKind::Action(action) => {
                names.add(check, Kind::Action, &action.name, &action.annotations, None);
            }
            DeclarationKind::Instantiation(instance) if is_extern(check, instance) => {
                names.add(
                    check,
                    Kind::Instance,
                    &instance.name,
                    &instance.annotations,
                    None,
                );
            }
            DeclarationKind::Parser(parser) => {
                let name = &parser.head.name;
                let owner = Some(Owner {
                    name: &name.text,
                    n_instances: count_of(check, &counts, name),
                    is_configured: !parser.constructor_params.is_empty(),
                });
                for local in &parser.locals {
                    match local {
                        ParserLocal::Instantiation(instance) if is_extern(check, instance) => {
                            names.add(
                                check,
                                Kind::Instance,
                                &instance.name,
                                &instance.annotations,
                                owner,
                            );
                        }
                        ParserLocal::ValueSet(set) => {
                            names.add(check, Kind::ValueSet, &set.name, &set.annotations, owner);
                        }
                        ParserLocal::Instantiation(_)
                        | ParserLocal::Const(_)
                        | ParserLocal::Variable(_) => {}
                    }
                }
            }
            DeclarationKind::Control(control) => {
                let name = &control.head.name;
                let owner = Some(Owner {
                    name: &name.text,
                    n_instances: count_of(check, &counts, name),
                    is_configured: !control.constructor_params.is_empty(),
                });
                for local in &control.locals {
                    match local {
                        ControlLocal::Instantiation(instance) if is_extern(check, instance) => {
                            names.add(
                                check,
                                Kind::Instance,
                                &instance.name,
                                &instance.annotations,
                                owner,
                            );
                        }
                        ControlLocal::Action(action) => {
                            names.add(
                                check,
                                Kind::Action,
                                &action.name,
                                &action.annotations,
                                owner,
                            );
                        }
                        ControlLocal::Table(table) => {
                            names.add(check, Kind::Table, &table.name, &table.annotations, owner);
                        }
                        ControlLocal::Instantiation(_)
                        | ControlLocal::Const(_)
                        | ControlLocal::Variable(_) => {}
                    }
                }
            }
            _ => {}
        }
    }
}

fn is_extern(check: &Checker<'_>, instance: &ast::Instantiation) -> bool {
    matches!(
        check.types.kind(check.written(&instance.ty)),
        TypeKind::Named {
            sort: Sort::Extern,
            ..
        }
    )
}

fn count_of(check: &Checker<'_>, counts: &FastMap<DeclId, u32>, name: &ast::Name) -> u32 {
    let decl = check.declared(name);
    decl.and_then(|decl| counts.get(&decl).copied())
        .unwrap_or(0)
}

/// The actions that tables list: the control plane sees no others.
fn listed_actions<'a>(check: &mut Checker<'a>, program: &'a ast::Program) -> Vec<DeclId> {
    struct Listed<'c, 'a> {
        check: &'c mut Checker<'a>,
        found: Vec<DeclId>,
    }
    impl<'a> Visitor<'a> for Listed<'_, 'a> {
        fn table(&mut self, _at: Site<'a>, table: &'a ast::Table) {
            let actions = action_refs(table);
            let decls = actions.filter_map(|action| self.check.path_of(&action.path));
            self.found.extend(decls);
        }
    }
    let mut listed = Listed {
        check,
        found: Vec::new(),
    };
    walk::program(&mut listed, program);
    listed.found
}

/// Whether the package of `main` says that its control plane finds actions by their table.
fn finds_by_table(program: &ast::Program) -> bool {
    let package_of_main = (program.declarations.iter()).find_map(|declaration| {
        let DeclarationKind::Instantiation(instance) = &declaration.kind else {
            return None;
        };
        match &instance.ty.kind {
            _ if instance.name.text != "main" => None,
            ast::TypeKind::Named(path) => Some(&path.name.text),
            ast::TypeKind::Specialized { base, .. } => Some(&base.name.text),
            _ => None,
        }
    });
    program.declarations.iter().any(|declaration| {
        matches!(&declaration.kind, DeclarationKind::Package(package)
            if Some(&package.name.text) == package_of_main
                && package.annotations.iter().any(|a| a.name.text == BY_TABLE))
    })
}

/// The parser or control around a name.
#[derive(Clone, Copy)]
struct Owner<'n> {
    name: &'n str,
    n_instances: u32,
    /// Whether it is constructed with something.
    is_configured: bool,
}

/// The names that have been given.
struct Names {
    seen: FastMap<(Kind, String), Span>,
    listed: Vec<DeclId>,
    /// Whether actions of several tables may share an absolute name.
    finds_by_table: bool,
}

impl Names {
    /// Adds what is declared under a name, in a block.
    fn add(
        &mut self,
        check: &mut Checker<'_>,
        kind: Kind,
        name: &ast::Name,
        annotations: &[Annotation],
        owner: Option<Owner<'_>>,
    ) {
        if annotations.iter().any(|a| a.name.text == "hidden") {
            return;
        }
        let decl = check.declared(name);
        if kind == Kind::Action && !decl.is_some_and(|decl| self.listed.contains(&decl)) {
            return;
        }
        let given = annotations.iter().find(|a| a.name.text == "name");
        let (local, span) = match given {
            Some(annotation) => match string_of(annotation) {
                Some(text) => (text, annotation.span),
                None => return,
            },
            None => (name.text.as_str(), name.span),
        };
        let full = match (local.strip_prefix('.'), owner) {
            (Some(absolute), _) => absolute.to_owned(),
            (None, Some(owner)) => format!("{}.{local}", owner.name),
            (None, None) => local.to_owned(),
        };
        let is_shared = local.starts_with('.') && owner.is_some_and(|owner| owner.n_instances > 1);
        if is_shared && kind != Kind::Action {
            let violation = Violation::ControlPlaneName {
                what: kind.article(),
                name: full,
            };
            check.violate_note(span, violation, "the block around has several instances");
            return;
        }
        if kind == Kind::Action && self.finds_by_table && local.starts_with('.') {
            return;
        }
        // Which of two tables a block has may be told by what it is constructed with.
        let is_chosen = kind == Kind::Table && owner.is_some_and(|owner| owner.is_configured);
        if let Some(first) = self.seen.insert((kind, full.clone()), span) {
            // Two of one name in one place have been complained about.
            if !is_chosen && (given.is_some() || first != span) {
                let violation = Violation::ControlPlaneName {
                    what: kind.article(),
                    name: full,
                };
                check.violate_with(span, violation, first, "the other one");
            }
        }
    }
}

/// How many instances of each parser and control there are, in all packages of the top level.
fn instance_counts<'a>(check: &mut Checker<'a>, program: &'a ast::Program) -> FastMap<DeclId, u32> {
    let mut counts: FastMap<DeclId, u32> = FastMap::default();
    for declaration in &program.declarations {
        if let DeclarationKind::Instantiation(_) = &declaration.kind {
            count_in(check, &mut counts, declaration, 1);
        }
    }
    // What is instantiated is declared before.
    for declaration in program.declarations.iter().rev() {
        let name = match &declaration.kind {
            DeclarationKind::Parser(parser) => &parser.head.name,
            DeclarationKind::Control(control) => &control.head.name,
            _ => continue,
        };
        let count = count_of(check, &counts, name);
        if count > 0 {
            count_in(check, &mut counts, declaration, count);
        }
    }
    counts
}

/// Adds what one declaration instantiates, so many times.
fn count_in<'a>(
    check: &mut Checker<'a>,
    counts: &mut FastMap<DeclId, u32>,
    declaration: &'a ast::Declaration,
    times: u32,
) {
    struct Count<'c, 'a> {
        check: &'c mut Checker<'a>,
        found: Vec<DeclId>,
    }
    impl<'a> Visitor<'a> for Count<'_, 'a> {
        fn instantiation(&mut self, _at: Site<'a>, instance: &'a ast::Instantiation) {
            if let Some(call) = self.check.instance_call(instance)
                && let Callee::Constructor(decl) = call.callee
            {
                self.found.push(decl);
            }
        }
        fn expr(&mut self, _at: Site<'a>, expr: &'a Expr) {
            if let Some(call) = self.check.call_of(expr)
                && let Callee::Constructor(decl) | Callee::ApplyDirectly(decl) = call.callee
            {
                self.found.push(decl);
            }
        }
    }
    let mut count = Count {
        check,
        found: Vec::new(),
    };
    walk::top_level(&mut count, declaration);
    for decl in count.found {
        let entry = counts.entry(decl).or_insert(0);
        *entry = entry.saturating_add(times);
    }
}
