//! Statements, in order.

use p4rmt_ir::{Block, LabelId, Outcome, Stmt, StmtKind, TableId};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Lifetime;

use crate::error::EmitError;
use crate::gress::{GressWriter, Part, Scope};

impl GressWriter<'_> {
    /// The statements of a block.
    pub(crate) fn block(&self, block: &Block, scope: &Scope) -> Result<TokenStream, EmitError> {
        block.iter().map(|stmt| self.stmt(stmt, scope)).collect()
    }

    fn stmt(&self, stmt: &Stmt, scope: &Scope) -> Result<TokenStream, EmitError> {
        let scope = &scope.at(stmt.span);
        Ok(match &stmt.kind {
            StmtKind::Assign { dst, value } => {
                let value = self.expr(value, scope)?;
                self.store(dst, &value, stmt.span, scope)
            }
            StmtKind::If {
                cond,
                then,
                otherwise,
            } => {
                let cond = self.expr(cond, scope)?.code;
                let then = self.block(then, scope)?;
                let otherwise = self.block(otherwise, scope)?;
                if_else(&cond, &then, &otherwise)
            }
            StmtKind::Apply { table, arms } => {
                let bodies = arms
                    .iter()
                    .map(|arm| Ok((arm.on, self.block(&arm.body, scope)?)));
                let bodies: Vec<(Outcome, TokenStream)> =
                    bodies.collect::<Result<_, EmitError>>()?;
                self.apply(*table, bodies)
            }
            StmtKind::Call(call) => self.call(call, stmt.span, scope)?,
            StmtKind::Labeled { label, body } => {
                let inner = self.block(body, scope)?;
                if leaves(body, *label) {
                    let label = lifetime(*label);
                    quote!(#label: { #inner })
                } else {
                    inner
                }
            }
            StmtKind::Loop { label, body } => {
                let inner = self.block(body, scope)?;
                let label = lifetime(*label);
                quote!(#label: while cx.turn() { #inner })
            }
            StmtKind::Leave(label) => {
                let label = lifetime(*label);
                quote!(break #label;)
            }
            StmtKind::Exit => quote!(return ControlFlow::Break(rt::End::Exit);),
            StmtKind::Extract {
                header,
                varbit_bits,
            } => self.extract(*header, varbit_bits.as_ref(), stmt.span, scope)?,
            StmtKind::Advance { bits } => self.advance(bits, stmt.span, scope)?,
            StmtKind::Verify { cond, error } => self.verify(cond, error, stmt.span, scope)?,
            StmtKind::Emit { header } => self.emit_header(*header),
        })
    }

    /// Applies a table, and runs the first of the blocks that fits.
    pub(crate) fn apply(&self, table: TableId, arms: Vec<(Outcome, TokenStream)>) -> TokenStream {
        let name = &self.tables[table];
        let ends = self.flows.table(table).then(|| quote!(?));
        let applied = quote!(tables::#name::apply(g, cx, p)#ends);
        if arms.is_empty() {
            return quote!(#applied;);
        }
        match &arms[..] {
            [(Outcome::Hit, body)] => return quote!(if #applied.is_hit { #body }),
            [(Outcome::Miss, body)] => return quote!(if !#applied.is_hit { #body }),
            [
                (Outcome::Hit, hit),
                (Outcome::Miss | Outcome::Otherwise, miss),
            ]
            | [
                (Outcome::Miss, miss),
                (Outcome::Hit | Outcome::Otherwise, hit),
            ] => {
                return if_else(&quote!(#applied.is_hit), hit, miss);
            }
            _ => {}
        }
        let mut chain = TokenStream::new();
        for (on, body) in arms.iter().rev() {
            let cond = match on {
                Outcome::Hit => quote!(applied.is_hit),
                Outcome::Miss => quote!(!applied.is_hit),
                Outcome::Action(action) => {
                    let choice = self.choice_name(table, *action);
                    quote!(applied.action == Some(tables::#name::Choice::#choice))
                }
                Outcome::Otherwise => {
                    chain = body.clone();
                    continue;
                }
            };
            chain = if_else(&cond, body, &chain);
        }
        quote!({ let applied = #applied; #chain })
    }

    /// The way out of what is at hand where a claim of the program is wrong.
    pub(crate) fn stop(&self, scope: &Scope) -> TokenStream {
        match scope.part {
            Part::Parser => quote!(return Err(rt::ParserEnd::Stop);),
            Part::Control => quote!(return ControlFlow::Break(rt::End::Stop);),
            Part::RegisterAction | Part::Deparser => quote!(return;),
        }
    }
}

pub(crate) fn if_else(
    cond: &TokenStream,
    then: &TokenStream,
    otherwise: &TokenStream,
) -> TokenStream {
    if otherwise.is_empty() {
        quote!(if #cond { #then })
    } else {
        quote!(if #cond { #then } else { #otherwise })
    }
}

fn lifetime(label: LabelId) -> Lifetime {
    Lifetime::new(
        &format!("'{}", format_ident!("{label}")),
        proc_macro2::Span::call_site(),
    )
}

/// Whether something in the block leaves the label.
fn leaves(block: &Block, label: LabelId) -> bool {
    block.iter().any(|stmt| match &stmt.kind {
        StmtKind::Leave(left) => *left == label,
        StmtKind::If {
            then, otherwise, ..
        } => leaves(then, label) || leaves(otherwise, label),
        StmtKind::Apply { arms, .. } => arms.iter().any(|arm| leaves(&arm.body, label)),
        StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => leaves(body, label),
        StmtKind::Assign { .. }
        | StmtKind::Call(_)
        | StmtKind::Exit
        | StmtKind::Extract { .. }
        | StmtKind::Advance { .. }
        | StmtKind::Verify { .. }
        | StmtKind::Emit { .. } => false,
    })
}
