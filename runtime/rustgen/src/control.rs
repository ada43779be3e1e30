//! Controls of the structured form, the control flow of the tables form, and the actions of both.

use p4rmt_ir::{Body, Control, Node, ParallelAction, Place, Seq, Tables};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use crate::error::EmitError;
use crate::gress::{GressWriter, Part, Scope};
use crate::names::Names;
use crate::statement::if_else;
use crate::value::Value;

/// A control as a module.
pub(crate) struct ControlModule {
    pub(crate) name: Ident,
    pub(crate) code: TokenStream,
    /// Which control of the body; none for the tables form.
    pub(crate) role: Option<p4rmt_ir::ControlRole>,
}

/// What every module of a body begins with.
pub(crate) fn prelude() -> TokenStream {
    quote! {
        use std::ops::ControlFlow;
        use p4rmt_engine as engine;
        use p4rmt_engine::emitted as rt;
        use super::{actions, headers, register_actions, registers, tables, Loaded};
        use super::packet::Packet;
    }
}

impl GressWriter<'_> {
    /// The controls, in the order in which they run.
    pub(crate) fn controls(&self) -> Result<Vec<ControlModule>, EmitError> {
        let mut names = Names::new(&[
            "headers",
            "packet",
            "parser",
            "deparser",
            "actions",
            "tables",
            "registers",
            "register_actions",
        ]);
        match &self.gress.body {
            Body::Structured(body) => {
                let controls = body.controls.iter();
                controls
                    .map(|control| self.control(control, &mut names))
                    .collect()
            }
            Body::Tables(body) => {
                let code = self.seq(body, &body.seq)?;
                let docs = " The control flow: tables and conditions.";
                Ok(vec![ControlModule {
                    name: names.snake("control"),
                    code: control_function(docs, &code),
                    role: None,
                }])
            }
        }
    }

    fn control(&self, control: &Control, names: &mut Names) -> Result<ControlModule, EmitError> {
        let code = self.block(&control.body, &Scope::new(Part::Control).at(control.span))?;
        let docs = self.docs(&control.name, control.span);
        Ok(ControlModule {
            name: names.snake(&control.name),
            code: control_function(&docs, &code),
            role: Some(control.role),
        })
    }

    /// A sequence of the tables form.
    fn seq(&self, body: &Tables, seq: &Seq) -> Result<TokenStream, EmitError> {
        let nodes = seq.iter().map(|node| {
            Ok(match node {
                Node::Table { table, arms } => {
                    let arms = arms.iter().map(|(on, seq)| Ok((*on, self.seq(body, seq)?)));
                    let arms = arms.collect::<Result<Vec<_>, EmitError>>()?;
                    self.apply(*table, arms)
                }
                Node::Gateway {
                    gateway,
                    then,
                    otherwise,
                } => {
                    let gateway = &body.gateways[*gateway];
                    let scope = Scope::new(Part::Control).at(gateway.span);
                    let cond = self.expr(&gateway.cond, &scope)?;
                    let (then, otherwise) = (self.seq(body, then)?, self.seq(body, otherwise)?);
                    if then.is_empty() && !otherwise.is_empty() {
                        let not = Value::unary(p4rmt_ir::UnaryOp::Not, &cond).code;
                        if_else(&not, &otherwise, &then)
                    } else {
                        if_else(&cond.code, &then, &otherwise)
                    }
                }
            })
        });
        nodes.collect()
    }

    /// The module of the actions.
    pub(crate) fn actions_module(&self) -> Result<TokenStream, EmitError> {
        let mut functions = TokenStream::new();
        match &self.gress.body {
            Body::Structured(body) => {
                for (id, action) in body.actions.iter() {
                    let none = std::iter::empty();
                    let scope = Scope::of_action(Part::Control, &action.params, none);
                    let code = self.block(&action.body, &scope.at(action.span))?;
                    let docs = self.docs(&action.name, action.span);
                    let ends = self.flows.action(id);
                    functions.extend(self.action(&self.actions[id], &docs, &scope, code, ends));
                }
            }
            Body::Tables(body) => {
                for (id, action) in body.actions.iter() {
                    let locals = action.locals.values();
                    let scope = Scope::of_action(Part::Control, &action.params, locals);
                    let mut code = self.parallel(action, &scope.at(action.span))?;
                    let docs = self.docs(&action.name, action.span);
                    if action.exits {
                        code.extend(quote!(return ControlFlow::Break(rt::End::Exit);));
                    }
                    let ends = self.flows.action(id);
                    functions.extend(self.action(&self.actions[id], &docs, &scope, code, ends));
                }
            }
        }
        let prelude = prelude();
        Ok(quote! {
            #![doc = " Actions: what tables do to a packet."]
            #prelude
            #functions
        })
    }

    fn action(
        &self,
        name: &Ident,
        docs: &str,
        scope: &Scope,
        code: TokenStream,
        ends: bool,
    ) -> TokenStream {
        let params = scope.params.iter().map(|(name, width)| {
            let ty = crate::value::Repr::of(*width).ty();
            quote!(#name: #ty)
        });
        let (returns, end) = returns(ends);
        quote! {
            #[doc = #docs]
            pub(super) fn #name(
                g: &Loaded, cx: &mut rt::Context<'_>, p: &mut Packet, #(#params),*
            ) #returns {
                #code
                #end
            }
        }
    }

    /// An action of the tables form: calls in order, then all assignments at once.
    fn parallel(&self, action: &ParallelAction, scope: &Scope) -> Result<TokenStream, EmitError> {
        let mut code = TokenStream::new();
        for (name, width) in &scope.locals {
            let (ty, zero) = (
                crate::value::Repr::of(*width).ty(),
                crate::value::literal(&p4rmt_ir::Bits::zero(*width), false),
            );
            code.extend(quote!(let mut #name: #ty = #zero;));
        }
        for (call, span) in &action.calls {
            code.extend(self.call(call, *span, &scope.at(*span))?);
        }
        let is_orderless = is_orderless(action);
        let mut stores = TokenStream::new();
        for (position, assign) in action.assigns.iter().enumerate() {
            let scope = &scope.at(assign.span);
            let value = self.expr(&assign.value, scope)?;
            if is_orderless || value.constant.is_some() {
                stores.extend(self.store(&assign.dst, &value, assign.span, scope));
                continue;
            }
            let (name, ty) = (format_ident!("new_{position}"), value.repr().ty());
            let evaluated = &value.code;
            code.extend(quote!(let #name: #ty = #evaluated;));
            let value = Value::simple(value.width, quote!(#name));
            stores.extend(self.store(&assign.dst, &value, assign.span, scope));
        }
        code.extend(stores);
        Ok(code)
    }
}

/// What a function of a control returns, and its last expression.
pub(crate) fn returns(ends: bool) -> (TokenStream, TokenStream) {
    match ends {
        true => (
            quote!(-> ControlFlow<rt::End>),
            quote!(ControlFlow::Continue(())),
        ),
        false => (TokenStream::new(), TokenStream::new()),
    }
}

fn control_function(docs: &str, code: &TokenStream) -> TokenStream {
    let (returns, end) = returns(true);
    let prelude = prelude();
    quote! {
        #![doc = #docs]
        #prelude
        /// Runs it on a packet; says so where it ends before its last statement.
        pub fn apply(g: &Loaded, cx: &mut rt::Context<'_>, p: &mut Packet) #returns {
            #code
            #end
        }
    }
}

/// Whether no assignment reads a field that one before it writes, so that it cannot be told whether
/// they happen at once or in order.
fn is_orderless(action: &ParallelAction) -> bool {
    let mut written = Vec::new();
    action.assigns.iter().all(|assign| {
        let mut reads_written = false;
        assign.value.walk(&mut |expr| {
            if let p4rmt_ir::Expr::Field(field) = expr {
                reads_written |= written.contains(field);
            }
        });
        written.extend(Place::field(&assign.dst));
        !reads_written
    })
}
