//! The module of a gress: what is loaded once, and how a packet goes through its parts.

use p4rmt_ir::{ControlRole, FieldId, Id};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

use crate::control::ControlModule;
use crate::gress::{GressWriter, count};
use crate::value::Value;

impl GressWriter<'_> {
    /// The module of the gress itself.
    pub(crate) fn gress_module(&self, controls: &[ControlModule]) -> TokenStream {
        let names = controls.iter().map(|control| &control.name);
        let hashes = self
            .hashes
            .iter()
            .map(|name| quote!(pub #name: engine::Hasher,));
        let made = self.hashes.iter().zip(self.hash_units());
        let made = made.map(|(name, made)| quote!(#name: #made,));
        let math = self
            .math_units
            .iter()
            .map(|name| quote!(pub #name: engine::ir::MathUnit,));
        let math_made = self.math_units.iter().zip(self.gress.math_units.values());
        let math_made = math_made.map(|(name, unit)| {
            let (text, is_inverted, table) = (&unit.name, unit.is_inverted, &unit.table);
            let (shift, scale) = (
                Literal::i8_unsuffixed(unit.shift),
                Literal::i8_unsuffixed(unit.scale),
            );
            quote! {
                #name: engine::ir::MathUnit {
                    name: #text.to_owned(),
                    is_inverted: #is_inverted,
                    shift: #shift,
                    scale: #scale,
                    table: [#(#table),*],
                    span: engine::Span::NONE,
                },
            }
        });
        let n_tables = count(self.gress.tables.len());
        let interface = self.interface_code();
        let (run, parse) = (self.run(controls), self.parse_code());
        let docs = format!(" The {}.", self.role_name());
        quote! {
            #![doc = #docs]
            pub mod actions;
            pub mod deparser;
            pub mod headers;
            pub mod packet;
            pub mod parser;
            pub mod register_actions;
            pub mod registers;
            pub mod tables;
            #(pub mod #names;)*

            use p4rmt_engine as engine;
            use p4rmt_engine::emitted as rt;
            use self::packet::Packet;

            /// Hash functions.
            #[derive(Clone, Debug)]
            pub struct Hashes { #(#hashes)* }

            /// Math units.
            #[derive(Clone, Debug)]
            pub struct MathUnits { #(#math)* }

            /// What stays the same from packet to packet.
            #[derive(Clone, Debug)]
            pub struct Loaded {
                /// Tables, as the control plane has filled them.
                pub tables: tables::Tables,
                /// Hash functions.
                pub hashes: Hashes,
                /// Math units.
                pub math_units: MathUnits,
            }

            /// The gress, ready to run.
            #[derive(Clone, Debug)]
            pub struct Gress {
                loaded: Loaded,
                counts: [engine::TableCounts; #n_tables],
            }

            impl Default for Gress {
                fn default() -> Self {
                    let hashes = Hashes { #(#made)* };
                    let math_units = MathUnits { #(#math_made)* };
                    Self {
                        loaded: Loaded { tables: tables::Tables::default(), hashes, math_units },
                        counts: [engine::TableCounts::default(); #n_tables],
                    }
                }
            }

            #interface

            impl Gress {
                /// Hits and misses, by table.
                #[must_use]
                pub fn table_counts(&self) -> &[engine::TableCounts] {
                    &self.counts
                }

                /// Runs packets, in order. Jobs and state have been checked.
                pub fn run(
                    &mut self,
                    jobs: &[engine::Job<'_>],
                    outcomes: &mut [engine::Outcome],
                    state: &mut engine::State,
                ) {
                    self.loaded.tables.arrange(state);
                    for (job, outcome) in jobs.iter().zip(outcomes) {
                        outcome.clear();
                        self.run_packet(job, outcome, state);
                    }
                }

                #run
            }

            #parse
        }
    }

    pub(crate) fn role_name(&self) -> &'static str {
        match self.gress.role {
            p4rmt_ir::GressRole::Ingress => "ingress",
            p4rmt_ir::GressRole::Egress => "egress",
            p4rmt_ir::GressRole::Whole => "pipeline, ingress and egress",
        }
    }

    fn words(&self, fields: &[FieldId]) -> usize {
        let widths = fields.iter().map(|field| self.gress.fields[*field].width);
        widths.map(|width| width.div_ceil(64) as usize).sum()
    }

    /// What is exchanged with the device.
    fn interface_code(&self) -> TokenStream {
        let list = |fields: &[FieldId]| {
            let numbers = fields.iter().map(|field| count(field.index()));
            quote!(rt::fields(&[#(#numbers),*]))
        };
        let (inputs, watched) = (list(&self.interface.inputs), list(&self.interface.watched));
        let n_inputs = count(self.words(&self.interface.inputs));
        let n_fields = count(self.words(&self.gress.fields.ids().collect::<Vec<_>>()));
        let name_of = |field: &FieldId| format!("`{}`", self.gress.fields[*field].name);
        let shown = |fields: &[FieldId]| {
            let names: Vec<String> = fields.iter().map(name_of).collect();
            names.join(", ")
        };
        let in_docs = format!(" In: {}.", shown(&self.interface.inputs));
        let out_docs = format!(" Out: {}.", shown(&self.interface.watched));
        quote! {
            /// Words of inputs that a job has.
            pub const N_INPUT_WORDS: usize = #n_inputs;
            /// Words that all fields take.
            pub const N_FIELD_WORDS: usize = #n_fields;

            /// The fields that are exchanged with the device.
            ///
            #[doc = #in_docs]
            ///
            #[doc = #out_docs]
            #[must_use]
            pub fn interface() -> engine::GressInterface {
                engine::GressInterface {
                    inputs: #inputs,
                    watched: #watched,
                    crossing: None,
                }
            }
        }
    }

    /// One packet.
    fn run(&self, controls: &[ControlModule]) -> TokenStream {
        let n_watched = count(self.interface.watched.len());
        let resize = (!self.interface.watched.is_empty())
            .then(|| quote!(outcome.written.resize(#n_watched, engine::Writer::NONE);));
        let inputs = self.inputs(&self.interface.inputs);
        let outputs = self.outputs();
        let apply = |control: &ControlModule| {
            let name = &control.name;
            quote!(rt::goes_on(#name::apply(g, cx, p)))
        };
        let all = controls.iter().map(apply);
        let mut all: Vec<_> = all.collect();
        if all.is_empty() {
            all.push(quote!(true));
        }
        let of_role = |role: ControlRole| {
            let control = controls.iter().find(|control| control.role == Some(role));
            control.map_or(quote!(true), apply)
        };
        let parts = if self.is_whole() {
            let (verify, ingress, egress, compute) = (
                of_role(ControlRole::Verify),
                of_role(ControlRole::Ingress),
                of_role(ControlRole::Egress),
                of_role(ControlRole::Compute),
            );
            quote! {
                engine::Part::Parser => {
                    parse(g, cx, p);
                    p.push_words(&mut cx.outcome.phv);
                }
                engine::Part::Front => {
                    let goes_on = parse(g, cx, p);
                    cx.outcome.parsed_bits = p.header_bits();
                    let _ = goes_on && #verify && #ingress;
                    p.push_words(&mut cx.outcome.phv);
                }
                engine::Part::Back { payload_offset } => {
                    cx.outcome.payload_offset = payload_offset;
                    let goes_on = #egress;
                    p.push_words(&mut cx.outcome.phv);
                    if goes_on && #compute {
                        deparser::deparse(g, cx, p);
                    }
                }
            }
        } else {
            // A gress of Tofino has no parts but its parser.
            quote! {
                engine::Part::Parser
                | engine::Part::Front
                | engine::Part::Back { .. } => {
                    parse(g, cx, p);
                    p.push_words(&mut cx.outcome.phv);
                }
            }
        };
        quote! {
            fn run_packet(
                &mut self,
                job: &engine::Job<'_>,
                outcome: &mut engine::Outcome,
                state: &mut engine::State,
            ) {
                #resize
                let mut packet = if job.phv.is_empty() {
                    Packet::default()
                } else {
                    Packet::from_words(job.phv)
                };
                let mut context = rt::Context::new(*job, outcome, state, &mut self.counts);
                let (g, cx, p) = (&self.loaded, &mut context, &mut packet);
                let words = job.inputs;
                #inputs
                match job.part {
                    engine::Part::Whole => {
                        if parse(g, cx, p) {
                            let _ = #(#all)&&*;
                            deparser::deparse(g, cx, p);
                        }
                    }
                    #parts
                }
                #outputs
            }
        }
    }

    /// What the device gives a packet, from words.
    fn inputs(&self, fields: &[FieldId]) -> TokenStream {
        let mut word = 0;
        let loads = fields.iter().map(|field| {
            let load = self.load_words(*field, word);
            word += self.gress.fields[*field].width.div_ceil(64) as usize;
            load
        });
        loads.collect()
    }

    /// What the device reads behind the gress, as words.
    fn outputs(&self) -> TokenStream {
        let watched = &self.interface.watched;
        let width = |field: &FieldId| self.gress.fields[*field].width;
        let values = watched
            .iter()
            .map(|field| Value::stored(width(field), &self.fields[*field]));
        if watched.iter().all(|field| width(field) <= 64) {
            let words = values.map(|value| value.to_u64());
            return quote!(cx.outcome.values.extend_from_slice(&[#(#words),*]););
        }
        let pushes = values.map(|value| {
            let (code, width) = (&value.code, Literal::u32_unsuffixed(value.width));
            quote!(rt::push_words(&mut cx.outcome.values, #width, #code);)
        });
        pushes.collect()
    }

    /// What parsing leads to: a function beside the gress.
    fn parse_code(&self) -> TokenStream {
        let drops = self.on_error.drops;
        let report = self.on_error.report.as_ref().map(|(field, values)| {
            let width = self.gress.fields[*field].width;
            let arms = values.iter().enumerate().map(|(error, value)| {
                let (error, value) = (
                    Literal::u32_unsuffixed(error as u32),
                    crate::value::literal(&p4rmt_ir::Bits::from_u64(width, *value), false),
                );
                quote!(#error => #value,)
            });
            let other = crate::value::literal(&p4rmt_ir::Bits::from_u64(width, 1), false);
            let value = Value::simple(width, quote!(match failure.error { #(#arms)* _ => #other }));
            let path = &self.fields[*field];
            let code = &value.code;
            let wrote = self.watched_at[field.index()].map(|position| {
                let position = count(position);
                quote!(cx.wrote(#position, failure.span);)
            });
            quote!(if let Some(failure) = failure { #path = #code; #wrote })
        });
        quote! {
            /// Parses the packet; returns whether it goes on.
            fn parse(g: &Loaded, cx: &mut rt::Context<'_>, p: &mut Packet) -> bool {
                let result = parser::parse(g, cx, p);
                let (failure, goes_on) = cx.end_parsing(result, #drops);
                #report
                goes_on && cx.outcome.wrong_claim.is_none()
            }
        }
    }
}

/// A name of the module of a gress.
pub(crate) fn module_name(role: p4rmt_ir::GressRole) -> Ident {
    match role {
        p4rmt_ir::GressRole::Ingress => quote::format_ident!("ingress"),
        p4rmt_ir::GressRole::Egress => quote::format_ident!("egress"),
        p4rmt_ir::GressRole::Whole => quote::format_ident!("pipeline"),
    }
}
