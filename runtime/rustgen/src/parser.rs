//! The parser: a function a state.
//!
//! A state ends by calling the next one. Where states go round, it returns the next one instead, and a loop
//! goes through them.

use std::collections::HashSet;

use p4rmt_engine::MAX_IDLE_STATES;
use p4rmt_ir::{
    Block, CallKind, Case, ChecksumOp, Expr, HeaderId, Id, KeySet, Place, State, StateId, StmtKind,
    Target, Transition,
};
use p4rmt_source::Span;
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

use crate::error::EmitError;
use crate::expr::unsupported;
use crate::gress::{Deposit, GressWriter, Part, Scope, count, span_code};
use crate::names::camel;
use crate::value::{Repr, Value, literal};

impl GressWriter<'_> {
    /// The module of the parser.
    pub(crate) fn parser_module(&mut self) -> Result<TokenStream, EmitError> {
        let parser = &self.gress.parser;
        let (order, is_cyclic) = order_of(&parser.states, parser.start);
        self.find_deposits(is_cyclic)?;
        let mut functions = TokenStream::new();
        for id in &order {
            functions.extend(self.state(*id, is_cyclic)?);
        }
        let start = &self.states[parser.start];
        let docs = self.docs(&parser.name, parser.span);
        let deposits = self.deposit_all();
        let run = if is_cyclic {
            let variants = order.iter().map(|id| self.state_variant(*id));
            let calls = order.iter().map(|id| {
                let (variant, name) = (self.state_variant(*id), &self.states[*id]);
                let fail = self.fail(self.errors.parser_timeout, parser.states[*id].span);
                quote!(State::#variant => {
                    states_left = states_left.checked_sub(1).ok_or(#fail)?;
                    #name(g, cx, p)?
                })
            });
            let first = self.state_variant(parser.start);
            let idle = Literal::u64_unsuffixed(MAX_IDLE_STATES);
            functions.extend(quote! {
                /// What comes next.
                enum State { #(#variants,)* Accept }

                fn run_states(g: &Loaded, cx: &mut rt::Context<'_>, p: &mut Packet) -> Result<(), rt::ParserEnd> {
                    let mut states_left = cx.cursor.remaining_bits() + #idle;
                    let mut state = State::#first;
                    loop {
                        state = match state {
                            #(#calls)*
                            State::Accept => return Ok(()),
                        };
                    }
                }
            });
            quote!(run_states(g, cx, p))
        } else {
            quote!(#start(g, cx, p))
        };
        let all = match deposits.is_empty() {
            true => run,
            false => quote!(let result = #run; #deposits result),
        };
        Ok(quote! {
            #![doc = " The parser, a function a state."]
            use p4rmt_engine as engine;
            use p4rmt_engine::emitted as rt;
            use super::{headers, Loaded};
            use super::packet::Packet;

            #[doc = #docs]
            ///
            /// # Errors
            /// What ended parsing before a state accepted.
            pub fn parse(g: &Loaded, cx: &mut rt::Context<'_>, p: &mut Packet) -> Result<(), rt::ParserEnd> {
                #all
            }
            #functions
        })
    }

    fn state_variant(&self, id: StateId) -> proc_macro2::Ident {
        format_ident!("{}", camel(&format!("s_{}", self.states[id])))
    }

    fn state(&self, id: StateId, is_cyclic: bool) -> Result<TokenStream, EmitError> {
        let state = &self.gress.parser.states[id];
        let scope = Scope::new(Part::Parser).at(state.span);
        let body = self.block(&state.body, &scope)?;
        let transition = self.transition(state, &scope, is_cyclic)?;
        let (name, docs) = (&self.states[id], self.docs(&state.name, state.span));
        let next = match is_cyclic {
            true => quote!(State),
            false => quote!(()),
        };
        Ok(quote! {
            #[doc = #docs]
            fn #name(g: &Loaded, cx: &mut rt::Context<'_>, p: &mut Packet) -> Result<#next, rt::ParserEnd> {
                #body
                #transition
            }
        })
    }

    fn transition(
        &self,
        state: &State,
        scope: &Scope,
        is_cyclic: bool,
    ) -> Result<TokenStream, EmitError> {
        let lead = |target: Target| match target {
            Target::State(next) if is_cyclic => {
                let next = self.state_variant(next);
                quote!(Ok(State::#next))
            }
            Target::State(next) => {
                let next = &self.states[next];
                quote!(#next(g, cx, p))
            }
            Target::Accept if is_cyclic => quote!(Ok(State::Accept)),
            Target::Accept => quote!(Ok(())),
            Target::Reject => {
                let fail = self.fail(0, state.span);
                quote!(Err(#fail))
            }
        };
        let (keys, cases) = match &state.transition {
            Transition::Goto(target) => return Ok(lead(*target)),
            Transition::Select { keys, cases } => (keys, cases),
        };
        let keys = self.pieces(keys, scope)?;
        let no_match = self.fail(self.errors.no_match, state.span);
        let is_plain = cases.iter().all(|case| {
            case.keysets
                .iter()
                .zip(&keys)
                .all(|(keyset, key)| match keyset {
                    KeySet::Any | KeySet::Exact(_) => key.repr() != Repr::Wide,
                    KeySet::Range { lo, hi } => key.repr() != Repr::Wide && lo.cmp_u(hi).is_le(),
                    KeySet::Mask { .. } | KeySet::ValueSet(_) => false,
                })
        });
        if is_plain {
            let arms = cases.iter().map(|case| {
                let pattern = pattern(case);
                let lead = lead(case.target);
                quote!(#pattern => #lead,)
            });
            let is_complete = cases.iter().any(|case| {
                case.keysets
                    .iter()
                    .all(|keyset| matches!(keyset, KeySet::Any))
            });
            let otherwise = (!is_complete).then(|| quote!(_ => Err(#no_match),));
            let arms: Vec<_> = arms.collect();
            let codes = keys.iter().map(|key| &key.code);
            return Ok(match keys.len() {
                1 => quote!(match #(#codes)* { #(#arms)* #otherwise }),
                _ => quote!(match (#(#codes),*) { #(#arms)* #otherwise }),
            });
        }
        let names: Vec<_> = (0..keys.len()).map(|n| format_ident!("key_{n}")).collect();
        let lets = keys.iter().zip(&names).map(|(key, name)| {
            let (code, ty) = (&key.code, key.repr().ty());
            quote!(let #name: #ty = #code;)
        });
        let named: Vec<Value> = keys
            .iter()
            .zip(&names)
            .map(|(key, name)| Value::simple(key.width, quote!(#name)))
            .collect();
        let mut chain = quote!(Err(#no_match));
        for case in cases.iter().rev() {
            let cond = self.case_cond(case, &named);
            let lead = lead(case.target);
            chain = match cond {
                Some(cond) => quote!(if #cond { #lead } else { #chain }),
                None => lead,
            };
        }
        Ok(quote!(#(#lets)* #chain))
    }

    /// Whether values are those of a case; nothing where they always are.
    fn case_cond(&self, case: &Case, keys: &[Value]) -> Option<TokenStream> {
        if let [KeySet::ValueSet(set)] = case.keysets[..] {
            return Some(self.is_in_value_set(set, keys));
        }
        let conds = case.keysets.iter().zip(keys);
        let conds: Vec<TokenStream> = conds
            .filter_map(|(keyset, key)| {
                let operand = key.operand();
                let bits = key.as_bits();
                let is_wide = key.repr() == Repr::Wide;
                Some(match keyset {
                    KeySet::Any => return None,
                    KeySet::Exact(value) => {
                        let value = literal(&value.resize(key.width, false), false);
                        quote!(#operand == #value)
                    }
                    KeySet::Mask { value, mask } => {
                        let wanted = p4rmt_ir::Bits::binary(p4rmt_ir::BinaryOp::And, value, mask);
                        let and =
                            Value::binary(p4rmt_ir::BinaryOp::And, key, &Value::constant(mask));
                        Value::binary(p4rmt_ir::BinaryOp::Eq, &and, &Value::constant(&wanted)).code
                    }
                    KeySet::Range { lo, hi } if is_wide => {
                        let (lo, hi) = (literal(lo, false), literal(hi, false));
                        quote!(#lo.cmp_u(&#bits).is_le() && #bits.cmp_u(&#hi).is_le())
                    }
                    KeySet::Range { lo, hi } => {
                        let (lo, hi) = (literal(lo, false), literal(hi, false));
                        quote!((#lo..=#hi).contains(&#operand))
                    }
                    KeySet::ValueSet(set) => self.is_in_value_set(*set, std::slice::from_ref(key)),
                })
            })
            .map(|cond| quote!((#cond)))
            .collect();
        (!conds.is_empty()).then(|| quote!(#(#conds)&&*))
    }

    fn is_in_value_set(&self, set: p4rmt_ir::ValueSetId, keys: &[Value]) -> TokenStream {
        let (gress, set) = (count(self.id.index()), count(set.index()));
        let keys = keys.iter().map(Value::as_bits);
        quote!(cx.is_in_value_set(#gress, #set, &[#(#keys),*]))
    }

    /// Reads a header. Nothing is read if the packet ends before the header does.
    pub(crate) fn extract(
        &self,
        id: HeaderId,
        varbit_bits: Option<&Expr>,
        span: Span,
        scope: &Scope,
    ) -> Result<TokenStream, EmitError> {
        let header = &self.gress.headers[id];
        let ty = &self.header_types[self.header_type_of[id.index()]];
        let (path, name, valid) = (&self.headers[id], &ty.name, &ty.valid);
        let too_short = self.fail(self.errors.packet_too_short, span);
        let watched = header.fields.iter().chain([&header.valid]);
        let wrote: TokenStream = watched
            .filter_map(|field| self.watched_at[field.index()])
            .map(|position| {
                let (position, span) = (count(position), span_code(span));
                quote!(cx.wrote(#position, #span);)
            })
            .collect();
        let n_bits: u32 = ty.fields.iter().map(|(_, width)| width).sum();
        let bits = Literal::u32_unsuffixed(n_bits);
        let dues = self.due_residuals();
        let Some(varbit_bits) = varbit_bits else {
            let n_bytes = count(n_bits.div_ceil(8) as usize);
            let residuals = dues.iter().map(|due| {
                let push = match n_bits.is_multiple_of(8) {
                    true => quote!(residual.push_bytes(&data);),
                    false => {
                        let all = Literal::u32_unsuffixed(n_bits.next_multiple_of(8));
                        let spare = Literal::u32_unsuffixed(n_bits.next_multiple_of(8) - n_bits);
                        quote!(residual.push_bits(&engine::ir::Bits::from_bytes_be(#all, &data).slice(#all - 1, #spare));)
                    }
                };
                quote!(if let Some(residual) = &mut p.residuals[#due] { #push })
            });
            return Ok(quote! {
                let data = cx.cursor.read_bytes::<#n_bytes>(#bits).ok_or(#too_short)?;
                #(#residuals)*
                #path = headers::#name::from_bytes(&data);
                #wrote
            });
        };
        let Some((position, width_name)) = &ty.varbit else {
            return Err(unsupported(
                "a length of a header without varbit field",
                span,
            ));
        };
        let length = self.expr(varbit_bits, scope)?.to_u64();
        let most = ty.fields[*position].1;
        let fixed = Literal::u64_unsuffixed(u64::from(n_bits - most));
        let most = Literal::u64_unsuffixed(u64::from(most));
        let whole_bytes = self.is_whole().then(|| {
            let fail = self.fail(self.errors.parser_invalid_argument, span);
            quote!(if !varbit_bits.is_multiple_of(8) { return Err(#fail); })
        });
        let too_long = self.fail(self.errors.header_too_short, span);
        let reads = ty.fields.iter().enumerate().map(|(index, (field, width))| {
            let width_token = match index == *position {
                true => quote!(varbit_bits as u32),
                false => {
                    let width = Literal::u32_unsuffixed(*width);
                    quote!(#width)
                }
            };
            let width_of_field = Literal::u32_unsuffixed(*width);
            let value = match Repr::of(*width) {
                Repr::Wide => quote!(value.resize(#width_of_field, false)),
                _ => quote!(rt::narrow(&value)),
            };
            let residuals = dues.iter().map(|due| {
                quote!(if let Some(residual) = &mut p.residuals[#due] { residual.push_bits(&value); })
            });
            quote! {
                let value = cx.cursor.read(#width_token).ok_or(#too_short)?;
                #(#residuals)*
                #path.#field = #value;
            }
        });
        Ok(quote! {
            let varbit_bits: u64 = #length;
            #whole_bytes
            if varbit_bits.saturating_add(#fixed) > cx.cursor.remaining_bits() {
                return Err(#too_short);
            }
            if varbit_bits > #most {
                return Err(#too_long);
            }
            #(#reads)*
            #path.#width_name = varbit_bits as u32;
            #path.#valid = true;
            #wrote
        })
    }

    /// Moves the cursor.
    pub(crate) fn advance(
        &self,
        bits: &Expr,
        span: Span,
        scope: &Scope,
    ) -> Result<TokenStream, EmitError> {
        let value = self.expr(bits, scope)?;
        let bits = value.to_u64();
        let too_short = self.fail(self.errors.packet_too_short, span);
        let known = value.constant.as_ref().and_then(p4rmt_ir::Bits::to_u64);
        let is_whole_bytes = known.is_some_and(|bits| bits.is_multiple_of(8));
        if self.is_whole() && !is_whole_bytes {
            let fail = self.fail(self.errors.parser_invalid_argument, span);
            return Ok(quote! {
                let bits: u64 = #bits;
                if !bits.is_multiple_of(8) {
                    return Err(#fail);
                }
                cx.cursor.advance(bits).ok_or(#too_short)?;
            });
        }
        Ok(quote!(cx.cursor.advance(#bits).ok_or(#too_short)?;))
    }

    /// Raises the error where the condition does not hold.
    pub(crate) fn verify(
        &self,
        cond: &Expr,
        error: &Expr,
        span: Span,
        scope: &Scope,
    ) -> Result<TokenStream, EmitError> {
        let cond = Value::unary(p4rmt_ir::UnaryOp::Not, &self.expr(cond, scope)?).code;
        if crate::expr::looks_ahead(error) {
            return Err(unsupported("an error that is looked ahead for", span));
        }
        let error = self.expr(error, scope)?.resize(32, false).code;
        let span = span_code(span);
        Ok(quote!(if #cond { return Err(rt::Context::fail(#error, #span)); }))
    }

    /// Where residuals are asked for. A unit whose residual is asked for twice would hand it to the first
    /// place only, which is refused.
    fn find_deposits(&mut self, is_cyclic: bool) -> Result<(), EmitError> {
        let mut found = Vec::new();
        for state in self.gress.parser.states.values() {
            deposits_in(&state.body, &mut found);
        }
        for (unit, place, span) in found {
            let earlier = self.deposits.iter().flatten();
            let same = earlier
                .into_iter()
                .any(|other| other.place.field() == place.field());
            if is_cyclic || same || self.deposits[unit].is_some() {
                return Err(unsupported(
                    "a residual checksum that is asked for twice",
                    span,
                ));
            }
            self.deposits[unit] = Some(Deposit { place, span });
        }
        Ok(())
    }

    fn due_residuals(&self) -> Vec<Literal> {
        let units = self.deposits.iter().enumerate();
        let due = units.filter(|(_, deposit)| deposit.is_some());
        due.map(|(unit, _)| count(unit)).collect()
    }

    /// At the end of the parser: writes the residuals.
    fn deposit_all(&self) -> TokenStream {
        let deposits = self.deposits.iter().enumerate();
        let due = deposits.filter_map(|(unit, deposit)| Some((unit, deposit.as_ref()?)));
        due.map(|(unit, deposit)| {
            let unit = count(unit);
            let scope = Scope::new(Part::Parser);
            let sum = Value::simple(16, quote!(p.sums[#unit].to_u16()));
            let store = self.store(&deposit.place, &sum, deposit.span, &scope);
            quote! {
                if let Some(mut residual) = p.residuals[#unit].take() {
                    p.sums[#unit].subtract_residual(&mut residual);
                    #store
                }
            }
        })
        .collect()
    }
}

fn pattern(case: &Case) -> TokenStream {
    let patterns = case.keysets.iter().map(|keyset| match keyset {
        KeySet::Exact(value) => literal(value, false),
        KeySet::Range { lo, hi } if lo.width() == 1 => match (lo.is_true(), hi.is_true()) {
            (false, true) => quote!(_),
            (value, _) => quote!(#value),
        },
        KeySet::Range { lo, hi } => {
            let (lo, hi) = (literal(lo, false), literal(hi, false));
            quote!(#lo..=#hi)
        }
        KeySet::Any | KeySet::Mask { .. } | KeySet::ValueSet(_) => quote!(_),
    });
    match case.keysets.len() {
        1 => quote!(#(#patterns)*),
        _ => quote!((#(#patterns),*)),
    }
}

/// The residuals that a block asks for.
fn deposits_in(block: &Block, found: &mut Vec<(usize, Place, Span)>) {
    for stmt in block {
        match &stmt.kind {
            StmtKind::Call(call) => {
                if let CallKind::Checksum {
                    unit,
                    op: ChecksumOp::SubtractAllAndDeposit,
                    ..
                } = &call.kind
                    && let Some(Some(place)) = call.outs.first()
                {
                    found.push((unit.index(), place.clone(), stmt.span));
                }
            }
            StmtKind::If {
                then, otherwise, ..
            } => {
                deposits_in(then, found);
                deposits_in(otherwise, found);
            }
            StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => {
                deposits_in(body, found);
            }
            StmtKind::Apply { arms, .. } => {
                arms.iter().for_each(|arm| deposits_in(&arm.body, found));
            }
            StmtKind::Assign { .. }
            | StmtKind::Leave(_)
            | StmtKind::Exit
            | StmtKind::Extract { .. }
            | StmtKind::Advance { .. }
            | StmtKind::Verify { .. }
            | StmtKind::Emit { .. } => {}
        }
    }
}

/// The states that can be reached, in the order of the program, and whether a packet can come to one
/// twice (or to more of them than a packet may).
fn order_of(states: &p4rmt_ir::Arena<StateId, State>, start: StateId) -> (Vec<StateId>, bool) {
    let mut reached = HashSet::new();
    let mut open = HashSet::new();
    let mut is_cyclic = states.len() as u64 > MAX_IDLE_STATES;
    // A state is left when all behind it have been: the second time that it is on top.
    let mut stack = vec![(start, false)];
    while let Some((id, is_left)) = stack.pop() {
        if is_left {
            open.remove(&id);
            continue;
        }
        if !reached.insert(id) {
            continue;
        }
        open.insert(id);
        stack.push((id, true));
        for next in successors(&states[id]) {
            if open.contains(&next) {
                is_cyclic = true;
            }
            if !reached.contains(&next) {
                stack.push((next, false));
            }
        }
    }
    let order = states.ids().filter(|id| reached.contains(id));
    (order.collect(), is_cyclic)
}

fn successors(state: &State) -> Vec<StateId> {
    let targets: Vec<Target> = match &state.transition {
        Transition::Goto(target) => vec![*target],
        Transition::Select { cases, .. } => cases.iter().map(|case| case.target).collect(),
    };
    let states = targets.into_iter().filter_map(|target| match target {
        Target::State(id) => Some(id),
        Target::Accept | Target::Reject => None,
    });
    states.collect()
}
