//! What outlives the packet: registers with their actions, counters, meters, filters.
//!
//! An index beyond the array touches nothing: memory reads as zeros, the write is lost.

use p4rmt_engine::{Array, ArrayField};
use p4rmt_ir::{
    Body, CountKind, CounterId, Expr, FilterKind, Id, MeterId, Param, Place, RegisterAction,
    RegisterActionId, RegisterId,
};
use p4rmt_source::Span;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

use crate::error::EmitError;
use crate::expr::unsupported;
use crate::gress::{GressWriter, Part, Scope, count};
use crate::names::Names;
use crate::value::{Repr, Value, literal};

impl GressWriter<'_> {
    /// The index that the call gives, or the cell of the entry whose action runs.
    pub(crate) fn index_or_direct(
        &self,
        index: Option<&Expr>,
        scope: &Scope,
    ) -> Result<TokenStream, EmitError> {
        match index {
            Some(index) => Ok(self.expr(index, scope)?.to_u64()),
            None => Ok(quote!(cx.direct_index)),
        }
    }

    /// Names of the values of a register's element; a lone value without a name is `value`.
    fn element_names(&self, register: RegisterId) -> Vec<Ident> {
        let mut names = Names::new(&["memory", "index", "state"]);
        let element = self.gress.registers[register].element.iter();
        element
            .map(|field| {
                names.snake(if field.name.is_empty() {
                    "value"
                } else {
                    &field.name
                })
            })
            .collect()
    }

    /// The module of the registers: where each lies, and what the control plane reads and writes.
    pub(crate) fn registers_module(&self) -> TokenStream {
        let modules = self.gress.registers.iter().map(|(id, register)| {
            let (name, docs) = (&self.registers[id.index()], self.docs(&register.name, register.span));
            let array = &self.layout.registers[id];
            let names = self.element_names(id);
            let (offset, stride) = (count(array.offset), count(array.stride));
            let (cells, n_cells) = (Literal::u64_unsuffixed(array.cells), array.cells);
            let fields = array.fields.iter().zip(&names).map(|(field, name)| {
                let (ty, docs) = (Repr::of(field.width).ty(), format!(" {} bits.", field.width));
                quote!(#[doc = #docs] pub #name: #ty,)
            });
            let zeros = array.fields.iter().zip(&names).map(|(field, name)| {
                let zero = literal(&p4rmt_ir::Bits::zero(field.width), false);
                quote!(#name: #zero)
            });
            let zeros: Vec<_> = zeros.collect();
            let loads = array.fields.iter().zip(&names).map(|(field, name)| {
                let load = load(field);
                quote!(#name: #load)
            });
            let stores = array.fields.iter().zip(&names).map(|(field, name)| store(field, name));
            let stores: Vec<_> = stores.collect();
            let to_bits = array.fields.iter().zip(&names).map(|(field, name)| {
                let width = Literal::u32_unsuffixed(field.width);
                let value = Value::stored(field.width, &quote!(element.#name)).code;
                quote!(rt::bits(#width, #value))
            });
            let from_bits = names.iter().enumerate().map(|(position, name)| {
                let position = count(position);
                quote!(#name: rt::narrow(&values[#position]))
            });
            let (gress, number) = (count(self.id.index()), count(id.index()));
            let size = format!(" How many elements: {n_cells}.");
            // Of an array without elements there is nothing to load.
            let (loaded, stored) = match array.cells {
                0 => (quote!(Element { #(#zeros),* }), TokenStream::new()),
                _ => (
                    quote! {
                        if index >= CELLS {
                            return Element { #(#zeros),* };
                        }
                        let cell = OFFSET + index as usize * STRIDE;
                        Element { #(#loads),* }
                    },
                    quote! {
                        if index < CELLS {
                            let cell = OFFSET + index as usize * STRIDE;
                            #(#stores)*
                        }
                    },
                ),
            };
            quote! {
                #[doc = #docs]
                pub mod #name {
                    use super::{engine, rt};

                    #[doc = #size]
                    pub const CELLS: u64 = #cells;
                    const OFFSET: usize = #offset;
                    const STRIDE: usize = #stride;

                    /// An element.
                    #[derive(Clone, Debug, PartialEq, Eq)]
                    pub struct Element { #(#fields)* }

                    /// The element at an index; zeros beyond the array.
                    #[inline]
                    #[must_use]
                    pub fn load(memory: &[u8], index: u64) -> Element { #loaded }

                    /// Writes the element at an index; nothing beyond the array.
                    #[inline]
                    pub fn store(memory: &mut [u8], index: u64, element: &Element) { #stored }

                    /// The register's name in the state.
                    #[must_use]
                    pub fn register() -> engine::Ref<engine::ir::RegisterId> {
                        engine::Ref {
                            gress: engine::ir::Id::from_index(#gress),
                            id: engine::ir::Id::from_index(#number),
                        }
                    }

                    /// Reads an element for the control plane.
                    ///
                    /// # Errors
                    /// An index beyond the array.
                    pub fn read(state: &engine::State, index: u64) -> Result<Element, engine::StateError> {
                        let values = state.register(register(), index)?;
                        Ok(Element { #(#from_bits),* })
                    }

                    /// Writes an element for the control plane; values are cut to their widths.
                    ///
                    /// # Errors
                    /// An index beyond the array.
                    pub fn write(
                        state: &mut engine::State, index: u64, element: &Element,
                    ) -> Result<(), engine::StateError> {
                        state.write_register(register(), index, &[#(#to_bits),*])
                    }
                }
            }
        });
        quote! {
            #![doc = " Registers: memory that outlives packets."]
            use p4rmt_engine as engine;
            use p4rmt_engine::emitted as rt;
            #(#modules)*
        }
    }

    pub(crate) fn register_read(
        &self,
        register: RegisterId,
        index: &Expr,
        outs: &[Option<Place>],
        span: Span,
        scope: &Scope,
    ) -> Result<TokenStream, EmitError> {
        let index = self.expr(index, scope)?.to_u64();
        let name = &self.registers[register.index()];
        let array = &self.layout.registers[register];
        let names = self.element_names(register);
        let stores =
            array
                .fields
                .iter()
                .zip(&names)
                .zip(outs)
                .filter_map(|((field, name), out)| {
                    let value = Value::stored(field.width, &quote!(cell.#name));
                    Some(self.store(out.as_ref()?, &value, span, scope))
                });
        Ok(quote!({
            let cell = registers::#name::load(cx.state.memory(), #index);
            #(#stores)*
        }))
    }

    pub(crate) fn register_write(
        &self,
        register: RegisterId,
        index: &Expr,
        values: &[Expr],
        scope: &Scope,
    ) -> Result<TokenStream, EmitError> {
        let index = self.expr(index, scope)?.to_u64();
        let name = &self.registers[register.index()];
        let array = &self.layout.registers[register];
        let names = self.element_names(register);
        let values = self.pieces(values, scope)?;
        let values = values
            .iter()
            .zip(&array.fields)
            .zip(&names)
            .map(|((value, field), name)| {
                let code = value.resize(field.width, false).code;
                quote!(#name: #code)
            });
        Ok(quote! {
            registers::#name::store(
                cx.state.memory_mut(), #index, &registers::#name::Element { #(#values),* },
            );
        })
    }

    /// The parameters of the actions that call a register action, which it may read.
    fn caller_params(&self, id: RegisterActionId) -> &[Param] {
        let calls = |call: &p4rmt_ir::Call| matches!(&call.kind, p4rmt_ir::CallKind::RegisterAction { action, .. } if *action == id);
        match &self.gress.body {
            Body::Tables(body) => {
                let mut actions = body.actions.values();
                let caller =
                    actions.find(|action| action.calls.iter().any(|(call, _)| calls(call)));
                caller.map_or(&[], |action| &action.params)
            }
            Body::Structured(body) => {
                let mut actions = body.actions.values();
                let caller = actions.find(|action| any_call(&action.body, &calls));
                caller.map_or(&[], |action| &action.params)
            }
        }
    }

    /// The parameters that a register action reads, by position.
    fn read_params(&self, action: &RegisterAction) -> Vec<usize> {
        let mut read = Vec::new();
        walk_exprs(&action.body, &mut |expr| {
            if let Expr::Param { index, .. } = expr {
                read.push(*index as usize);
            }
        });
        read.sort_unstable();
        read.dedup();
        read
    }

    /// The module of the register actions.
    pub(crate) fn register_actions_module(&self) -> Result<TokenStream, EmitError> {
        let mut functions = TokenStream::new();
        for (id, action) in self.gress.register_actions.iter() {
            functions.extend(self.register_action(id, action)?);
        }
        let prelude = crate::control::prelude();
        Ok(quote! {
            #![doc = " Register actions: what packets do with memory, each at one instant."]
            #prelude
            #functions
        })
    }

    fn register_action(
        &self,
        id: RegisterActionId,
        action: &RegisterAction,
    ) -> Result<TokenStream, EmitError> {
        let params = self.caller_params(id);
        let locals = action.locals.values();
        let scope = Scope::of_action(Part::RegisterAction, params, locals).at(action.span);
        let read = self.read_params(action);
        if read.iter().any(|position| *position >= params.len()) {
            return Err(unsupported(
                "a register action that reads data of no action",
                action.span,
            ));
        }
        let (name, docs) = (
            &self.register_actions[id.index()],
            self.docs(&action.name, action.span),
        );
        let register = &self.registers[action.register.index()];
        let element = self.element_names(action.register);
        let n_cells = action.n_elements(&self.gress.registers[action.register]);
        let n_cells = usize::try_from(n_cells).unwrap_or(usize::MAX);
        let cell = |number: usize| match n_cells {
            1 => quote::format_ident!("cell"),
            _ => quote::format_ident!("cell{number}"),
        };
        // A word that is beyond the array has cells that are.
        let index_of = |number: usize| match n_cells {
            1 => quote!(index),
            _ => {
                let (number, n_cells) = (number as u64, n_cells as u64);
                quote!(index.saturating_mul(#n_cells).saturating_add(#number))
            }
        };
        let arguments = read.iter().map(|position| {
            let (name, width) = &scope.params[*position];
            let ty = Repr::of(*width).ty();
            quote!(#name: #ty)
        });
        let variables = scope
            .locals
            .iter()
            .enumerate()
            .map(|(position, (name, width))| {
                let of_memory = action
                    .memory
                    .iter()
                    .position(|local| local.index() == position);
                let ty = Repr::of(*width).ty();
                let start = match of_memory {
                    Some(position) => {
                        let field = &element[position % element.len()];
                        let cell = cell(position / element.len());
                        quote!(#cell.#field.clone())
                    }
                    None => literal(&p4rmt_ir::Bits::zero(*width), false),
                };
                quote!(let mut #name: #ty = #start;)
            });
        let body = self.block(&action.body, &scope)?;
        let stores = action.memory.chunks(element.len().max(1)).enumerate();
        let stores = stores.map(|(number, memory)| {
            let written = memory.iter().zip(&element).map(|(local, field)| {
                let (name, width) = &scope.locals[local.index()];
                let value = Value::stored(*width, &quote!(#name)).code;
                quote!(#field: #value)
            });
            let index = index_of(number);
            quote! {
                let cell = registers::#register::Element { #(#written),* };
                registers::#register::store(cx.state.memory_mut(), #index, &cell);
            }
        });
        let loads = (0..n_cells).map(|number| {
            let (cell, index) = (cell(number), index_of(number));
            quote!(let #cell = registers::#register::load(cx.state.memory(), #index);)
        });
        let outputs = action
            .outputs
            .iter()
            .map(|local| &scope.locals[local.index()]);
        let types = outputs.clone().map(|(_, width)| Repr::of(*width).ty());
        let values = outputs.map(|(name, _)| quote!(#name));
        Ok(quote! {
            #[doc = #docs]
            pub(super) fn #name(
                g: &Loaded, cx: &mut rt::Context<'_>, p: &Packet, index: u64, #(#arguments),*
            ) -> (#(#types,)*) {
                #(#loads)*
                #(#variables)*
                #body
                #(#stores)*
                (#(#values,)*)
            }
        })
    }

    pub(crate) fn register_action_call(
        &self,
        id: RegisterActionId,
        index: Option<&Expr>,
        outs: &[Option<Place>],
        span: Span,
        scope: &Scope,
    ) -> Result<TokenStream, EmitError> {
        let action = &self.gress.register_actions[id];
        let index = self.index_or_direct(index, scope)?;
        let name = &self.register_actions[id.index()];
        let args = self.read_params(action).into_iter().map(|position| {
            let (name, width) = scope.params.get(position).ok_or(unsupported(
                "a register action that reads data of another action",
                span,
            ))?;
            Ok(match Repr::of(*width) {
                Repr::Wide => quote!(#name.clone()),
                _ => quote!(#name),
            })
        });
        let args = args.collect::<Result<Vec<_>, EmitError>>()?;
        let call = quote!(register_actions::#name(g, cx, p, #index, #(#args),*));
        let stores = action.outputs.iter().zip(outs).enumerate();
        let stores = stores.filter_map(|(position, (local, out))| {
            let (width, position) = (action.locals[*local].width, count(position));
            let value = Value::stored(width, &quote!(outputs.#position));
            Some(self.store(out.as_ref()?, &value, span, scope))
        });
        let stores: Vec<_> = stores.collect();
        Ok(match stores.is_empty() {
            true => quote!(#call;),
            false => quote!({ let outputs = #call; #(#stores)* }),
        })
    }

    /// Counts the packet.
    pub(crate) fn count_packet(&self, counter: CounterId, index: &TokenStream) -> TokenStream {
        let array = &self.layout.counters[counter];
        let kind = self.gress.counters[counter].kind;
        let field = |field: &ArrayField| {
            let (offset, n_bytes) = (count(field.offset), count(field.n_bytes));
            let width = Literal::u32_unsuffixed(field.width);
            quote!(Some(rt::CountField { offset: #offset, n_bytes: #n_bytes, width: #width }))
        };
        let fields: Vec<TokenStream> = array.fields.iter().map(field).collect();
        let none = quote!(None);
        let (packets, bytes) = match (kind, &fields[..]) {
            (CountKind::Packets, [packets, ..]) => (packets, &none),
            (CountKind::Bytes, [bytes, ..]) => (&none, bytes),
            (CountKind::PacketsAndBytes, [packets, bytes, ..]) => (packets, bytes),
            (_, _) => (&none, &none),
        };
        let (offset, stride) = (count(array.offset), count(array.stride));
        let cells = Literal::u64_unsuffixed(array.cells);
        let adjust = Literal::i32_unsuffixed(self.gress.counters[counter].adjust_bytes);
        quote! {{
            let index: u64 = #index;
            let n_bytes = cx.counted_bytes(#adjust);
            rt::CountCells {
                offset: #offset, stride: #stride, cells: #cells, packets: #packets, bytes: #bytes,
            }.count(cx.state.memory_mut(), index, n_bytes);
        }}
    }

    /// Meters the packet, which comes with a colour.
    pub(crate) fn meter_packet(
        &self,
        meter: MeterId,
        index: &TokenStream,
        color: &TokenStream,
    ) -> TokenStream {
        let declared = &self.gress.meters[meter];
        let units = match declared.kind {
            CountKind::Packets => quote!(1),
            CountKind::Bytes | CountKind::PacketsAndBytes => {
                let adjust = Literal::i32_unsuffixed(declared.adjust_bytes);
                quote!(cx.counted_bytes(#adjust))
            }
        };
        let (gress, meter) = (count(self.id.index()), count(meter.index()));
        quote!(cx.meter(#gress, #meter, #index, #units, #color))
    }

    /// The colour of the packet, as the program writes it. A direct meter of a whole gress has metered it
    /// already.
    pub(crate) fn meter(
        &self,
        id: MeterId,
        index: Option<&Expr>,
        color: Option<&Expr>,
        scope: &Scope,
    ) -> Result<Value, EmitError> {
        let meter = &self.gress.meters[id];
        let marked = if index.is_none() && self.is_whole() {
            let position = count(id.index());
            quote!(p.direct_colors[#position])
        } else {
            let index = self.index_or_direct(index, scope)?;
            let incoming = match color {
                None => quote!(engine::Color::Green),
                Some(color) => {
                    let color = self.expr(color, scope)?;
                    let [_, yellow, red] = &meter.colors;
                    let is = |known: &p4rmt_ir::Bits| match known.width() == color.width {
                        true => {
                            Value::binary(p4rmt_ir::BinaryOp::Eq, &color, &Value::constant(known))
                                .code
                        }
                        false => quote!(false),
                    };
                    let (is_yellow, is_red) = (is(yellow), is(red));
                    quote! {
                        if #is_red { engine::Color::Red }
                        else if #is_yellow { engine::Color::Yellow }
                        else { engine::Color::Green }
                    }
                }
            };
            self.meter_packet(id, &index, &incoming)
        };
        let width = meter.colors[0].width();
        let [green, yellow, red] = meter.colors.each_ref().map(|color| literal(color, true));
        Ok(Value::simple(
            width,
            quote!(match #marked {
                engine::Color::Green => #green,
                engine::Color::Yellow => #yellow,
                engine::Color::Red => #red,
            }),
        ))
    }

    /// Gives a value to a filter; what comes out.
    pub(crate) fn filter(
        &self,
        id: MeterId,
        index: Option<&Expr>,
        value: &Expr,
        scope: &Scope,
    ) -> Result<Value, EmitError> {
        let filter = self.gress.meters[id].filter.as_ref();
        let Some(filter) = filter else {
            return Err(unsupported(
                "a value for a meter that is no filter",
                scope.span,
            ));
        };
        let value = self.expr(value, scope)?.resize(32, false).code;
        let index = self.index_or_direct(index, scope)?;
        let (gress, meter) = (count(self.id.index()), count(id.index()));
        let call = quote!(cx.filter(#gress, #meter, #index, #value));
        Ok(match &filter.kind {
            FilterKind::LowPass => {
                Value::simple(32, quote!(#call.average)).resize(filter.width, false)
            }
            FilterKind::EarlyDrop { drop, no_drop } => {
                let (drop, no_drop, width) =
                    (literal(drop, true), literal(no_drop, true), drop.width());
                Value::new(width, quote!(if #call.drops { #drop } else { #no_drop }))
            }
        })
    }

    /// Where every array of the gress begins.
    pub(crate) fn offsets(&self) -> Vec<Literal> {
        let registers = self.layout.registers.values();
        let arrays = registers.chain(self.layout.counters.values());
        let arrays = arrays.chain(self.layout.meters.values());
        arrays.map(|array: &Array| count(array.offset)).collect()
    }
}

/// A value of the cell at hand.
fn load(field: &ArrayField) -> TokenStream {
    let offset = count(field.offset);
    match Repr::of(field.width) {
        Repr::Bool => quote!(memory[cell + #offset] != 0),
        Repr::U8 => quote!(memory[cell + #offset]),
        Repr::Wide => {
            let width = Literal::u32_unsuffixed(field.width);
            quote!(rt::load_wide(memory, cell + #offset, #width))
        }
        repr => {
            let ty = repr.ty();
            quote!(#ty::from_le_bytes(rt::load(memory, cell + #offset)))
        }
    }
}

fn store(field: &ArrayField, name: &Ident) -> TokenStream {
    let offset = count(field.offset);
    match Repr::of(field.width) {
        Repr::Bool => quote!(memory[cell + #offset] = u8::from(element.#name);),
        Repr::U8 => quote!(memory[cell + #offset] = element.#name;),
        Repr::Wide => quote!(rt::store_wide(memory, cell + #offset, &element.#name);),
        _ => quote!(rt::store(memory, cell + #offset, element.#name.to_le_bytes());),
    }
}

/// Whether a call of this kind stands in a block.
fn any_call(block: &p4rmt_ir::Block, is: &impl Fn(&p4rmt_ir::Call) -> bool) -> bool {
    use p4rmt_ir::StmtKind;
    block.iter().any(|stmt| match &stmt.kind {
        StmtKind::Call(call) => is(call),
        StmtKind::If {
            then, otherwise, ..
        } => any_call(then, is) || any_call(otherwise, is),
        StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => any_call(body, is),
        StmtKind::Apply { arms, .. } => arms.iter().any(|arm| any_call(&arm.body, is)),
        StmtKind::Assign { .. }
        | StmtKind::Leave(_)
        | StmtKind::Exit
        | StmtKind::Extract { .. }
        | StmtKind::Advance { .. }
        | StmtKind::Verify { .. }
        | StmtKind::Emit { .. } => false,
    })
}

/// The expressions of a register action: of assignments and conditions.
fn walk_exprs<'a>(block: &'a p4rmt_ir::Block, visit: &mut impl FnMut(&'a Expr)) {
    use p4rmt_ir::StmtKind;
    for stmt in block {
        match &stmt.kind {
            StmtKind::Assign { value, .. } => value.walk(visit),
            StmtKind::If {
                cond,
                then,
                otherwise,
            } => {
                cond.walk(visit);
                walk_exprs(then, visit);
                walk_exprs(otherwise, visit);
            }
            // The validator wants none of these in a register action.
            StmtKind::Apply { .. }
            | StmtKind::Call(_)
            | StmtKind::Labeled { .. }
            | StmtKind::Loop { .. }
            | StmtKind::Leave(_)
            | StmtKind::Exit
            | StmtKind::Extract { .. }
            | StmtKind::Advance { .. }
            | StmtKind::Verify { .. }
            | StmtKind::Emit { .. } => {}
        }
    }
}
