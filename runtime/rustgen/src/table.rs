//! Tables: key, actions with their data, lookup, and what the control plane does with them.

use p4rmt_engine::{KeyLayout, KeyPiece};
use p4rmt_ir::{ActionId, Id, MatchKind, Table, TableId};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use crate::error::EmitError;
use crate::gress::{GressWriter, Part, Scope, count};
use crate::names::Names;
use crate::value::{Repr, Value, literal};

/// An action of a table.
struct Listed {
    id: ActionId,
    variant: Ident,
    fields: Vec<(Ident, u32)>,
}

impl GressWriter<'_> {
    /// The actions that a table may run.
    fn listed(&self, table: &Table) -> Vec<Listed> {
        let mut ids: Vec<ActionId> = Vec::new();
        let listed = table.actions.iter().map(|listed| listed.action);
        for action in listed.chain([table.default_action.action]) {
            if !ids.contains(&action) {
                ids.push(action);
            }
        }
        let mut names = Names::new(&["Self"]);
        ids.into_iter()
            .map(|id| {
                let name = self.action_name(id);
                let mut params = Names::new(&["g", "cx", "p"]);
                Listed {
                    id,
                    variant: names.camel(name.rsplit('.').next().unwrap_or(name)),
                    fields: self
                        .params(id)
                        .iter()
                        .map(|param| (params.snake(&param.name), param.width))
                        .collect(),
                }
            })
            .collect()
    }

    /// What an action of a table is called in its module.
    pub(crate) fn choice_name(&self, table: TableId, action: ActionId) -> Ident {
        let listed = self.listed(&self.gress.tables[table]);
        let found = listed.into_iter().find(|listed| listed.id == action);
        found.map_or_else(|| format_ident!("Unlisted"), |listed| listed.variant)
    }

    /// Whether what a table does is known without looking: no keys, and always the same.
    fn is_fixed(table: &Table) -> bool {
        table.keys.is_empty() && table.is_default_const
    }

    /// The module of the tables.
    pub(crate) fn tables_module(&self) -> Result<TokenStream, EmitError> {
        let mut modules = TokenStream::new();
        let (mut fields, mut arranged) = (TokenStream::new(), TokenStream::new());
        for (id, table) in self.gress.tables.iter() {
            let name = &self.tables[id];
            modules.extend(self.table_module(id, table)?);
            if Self::is_fixed(table) {
                continue;
            }
            let docs = self.docs(&table.name, table.span);
            fields.extend(quote!(#[doc = #docs] pub #name: rt::TypedTable<#name::Action>,));
            let number = count(id.index());
            arranged.extend(quote! {
                rt::arrange(&mut self.#name, gress, #number, state, #name::Action::read);
            });
        }
        let id = count(self.id.index());
        Ok(quote! {
            #![doc = " Tables: what they match, what they do, and how the control plane fills them."]
            use p4rmt_engine as engine;
            use p4rmt_engine::emitted as rt;
            use super::{actions, registers, Loaded};
            use super::packet::Packet;

            /// What packets are looked up in, derived from the state.
            #[derive(Clone, Debug, Default)]
            pub struct Tables { #fields }

            impl Tables {
                /// Brings all of them up to date with the state.
                pub fn arrange(&mut self, state: &engine::State) {
                    let layout = std::sync::Arc::clone(state.layout());
                    let gress = rt::GressOf { layout: &layout, gress: engine::ir::Id::from_index(#id) };
                    #arranged
                }
            }
            #modules
        })
    }

    fn table_module(&self, id: TableId, table: &Table) -> Result<TokenStream, EmitError> {
        let listed = self.listed(table);
        let apply = self.table_apply(id, table, &listed)?;
        let name = &self.tables[id];
        let docs = self.docs(&table.name, table.span);
        let choices = listed.iter().map(|listed| {
            let (variant, docs) = (&listed.variant, self.action_docs(listed.id));
            quote!(#[doc = #docs] #variant,)
        });
        let control_plane =
            (!Self::is_fixed(table)).then(|| self.control_plane(id, table, &listed));
        Ok(quote! {
            #[doc = #docs]
            pub mod #name {
                use std::ops::ControlFlow;
                use super::{actions, engine, registers, rt, Loaded, Packet};

                /// Which action ran.
                #[derive(Clone, Copy, Debug, PartialEq, Eq)]
                pub enum Choice { #(#choices)* }

                #control_plane
                #apply
            }
        })
    }

    fn action_docs(&self, action: ActionId) -> String {
        format!(" `{}`.", self.action_name(action))
    }

    fn table_apply(
        &self,
        id: TableId,
        table: &Table,
        listed: &[Listed],
    ) -> Result<TokenStream, EmitError> {
        let ends = self.flows.table(id);
        let (returns, number) = (quote!(rt::Applied<Choice>), count(id.index()));
        let (returns, wrap) = match ends {
            true => (
                quote!(ControlFlow<engine::emitted::End, #returns>),
                quote!(ControlFlow::Continue),
            ),
            false => (returns, TokenStream::new()),
        };
        let applied = match ends {
            true => quote!(#wrap(applied)),
            false => quote!(applied),
        };
        let size = Literal::u64_unsuffixed(table.size);
        let (on_hit, on_miss) = self.direct(table);
        let call = |listed: &Listed, args: &[TokenStream]| {
            let (action, variant) = (&self.actions[listed.id], &listed.variant);
            let ends = self.flows.action(listed.id).then(|| quote!(?));
            quote! {
                actions::#action(g, cx, p, #(#args),*)#ends;
                Some(Choice::#variant)
            }
        };
        let body = if Self::is_fixed(table) {
            let listed = listed
                .iter()
                .find(|listed| listed.id == table.default_action.action);
            let args = table
                .default_action
                .args
                .iter()
                .map(|arg| literal(arg, false));
            let args: Vec<_> = args.collect();
            let run = listed.map(|listed| call(listed, &args));
            quote! {
                cx.direct_index = #size;
                #on_miss
                let action = { #run };
                let applied = rt::Applied { is_hit: false, action };
            }
        } else {
            let field = &self.tables[id];
            let arms = listed.iter().map(|listed| {
                let variant = &listed.variant;
                let names = listed.fields.iter().map(|(name, _)| name);
                let args = listed
                    .fields
                    .iter()
                    .map(|(name, width)| match Repr::of(*width) {
                        Repr::Wide => quote!(#name.clone()),
                        _ => quote!(*#name),
                    });
                let run = call(listed, &args.collect::<Vec<_>>());
                match listed.fields.is_empty() {
                    true => quote!(Some(Action::#variant) => { #run }),
                    false => quote!(Some(Action::#variant { #(#names),* }) => { #run }),
                }
            });
            let (place, counted) = match table.keys.is_empty() {
                true => (quote!(0), TokenStream::new()),
                false => {
                    let words = self.key_words(table)?;
                    (
                        quote!(g.tables.#field.place(&[#(#words),*])),
                        quote!(cx.count_lookup(#number, is_hit);),
                    )
                }
            };
            let selector = self.selector_hash(table)?;
            let found = match table.implementation {
                None => quote!(g.tables.#field.action(place)),
                Some(profile) => {
                    let profile = count(profile.index());
                    quote!(if is_hit {
                        let hash: u64 = #selector;
                        picked = rt::pick(
                            cx.state, table(), engine::ir::Id::from_index(#profile), slot as usize, hash,
                        )
                        .and_then(Action::read);
                        picked.as_ref()
                    } else {
                        g.tables.#field.action(place)
                    })
                }
            };
            let picked = table.implementation.map(|_| quote!(let picked;));
            let direct = match on_hit.is_empty() && on_miss.is_empty() {
                true => TokenStream::new(),
                false => quote!(if is_hit { #on_hit } else { #on_miss }),
            };
            quote! {
                let place: u64 = #place;
                let is_hit = place != 0;
                let slot = place.wrapping_sub(1);
                #counted
                cx.direct_index = if is_hit { slot } else { #size };
                #direct
                #picked
                let action = #found;
                let action = match action { #(#arms)* None => None };
                let applied = rt::Applied { is_hit, action };
            }
        };
        Ok(quote! {
            /// Looks a packet up, and runs the action that it leads to.
            pub fn apply(g: &Loaded, cx: &mut rt::Context<'_>, p: &mut Packet) -> #returns {
                #body
                #applied
            }
        })
    }

    /// The words of the key, the lowest first, as [`KeyLayout`] says.
    fn key_words(&self, table: &Table) -> Result<Vec<TokenStream>, EmitError> {
        let scope = Scope::new(Part::Control).at(table.span);
        let layout = KeyLayout::new(self.gress, table);
        let mut words: Vec<TokenStream> = Vec::new();
        let mut whole: Option<Value> = None;
        for piece in layout.pieces() {
            let value = match piece {
                KeyPiece::Part(part) => self.expr(&table.keys[*part].expr, &scope)?,
                KeyPiece::Zeros(width) => Value::constant(&p4rmt_ir::Bits::zero(*width)),
            };
            let joined = match whole.take() {
                Some(high) => Value::binary(p4rmt_ir::BinaryOp::Concat, &high, &value),
                None => value,
            };
            // Whole words go as soon as they are: the higher ones first.
            if joined.width.is_multiple_of(64) {
                words.splice(0..0, joined.to_words());
            } else {
                whole = Some(joined);
            }
        }
        Ok(words)
    }

    /// What a lookup of a whole gress does beside its action, where it hits and where it misses.
    fn direct(&self, table: &Table) -> (TokenStream, TokenStream) {
        if !self.is_whole() {
            return Default::default();
        }
        let (mut on_hit, mut on_miss) = (TokenStream::new(), TokenStream::new());
        for counter in &table.direct_counters {
            on_hit.extend(self.count_packet(*counter, &quote!(slot)));
        }
        for meter in &table.direct_meters {
            let position = count(meter.index());
            let color = self.meter_packet(*meter, &quote!(slot), &quote!(engine::Color::Green));
            on_hit.extend(quote!(p.direct_colors[#position] = #color;));
            on_miss.extend(quote!(p.direct_colors[#position] = engine::Color::Green;));
        }
        (on_hit, on_miss)
    }

    /// The hash by which the table's selector picks a member; zero without one.
    fn selector_hash(&self, table: &Table) -> Result<TokenStream, EmitError> {
        let profile = table.implementation.map(|id| &self.gress.profiles[id]);
        let Some(selector) = profile.and_then(|profile| profile.selector) else {
            return Ok(quote!(0));
        };
        let keys = table
            .keys
            .iter()
            .filter(|key| key.kind == MatchKind::Selector);
        let scope = Scope::new(Part::Control).at(table.span);
        let values = keys.map(|key| self.expr(&key.expr, &scope));
        let values = values.collect::<Result<Vec<_>, _>>()?;
        let (bytes, _) = crate::pack::pack(&values, crate::pack::Fill::Behind);
        let hash = &self.hashes[selector.hash.index()];
        Ok(quote!(g.hashes.#hash.hash_bytes(&#bytes).low_u64()))
    }

    /// The typed interface of the control plane.
    fn control_plane(&self, id: TableId, table: &Table, listed: &[Listed]) -> TokenStream {
        let (gress, number) = (count(self.id.index()), count(id.index()));
        let variants = listed.iter().map(|listed| {
            let (variant, docs) = (&listed.variant, self.action_docs(listed.id));
            let fields = listed.fields.iter().map(|(name, width)| {
                let (ty, docs) = (Repr::of(*width).ty(), format!(" {width} bits."));
                quote!(#[doc = #docs] #name: #ty)
            });
            match listed.fields.is_empty() {
                true => quote!(#[doc = #docs] #variant,),
                false => quote!(#[doc = #docs] #variant { #(#fields),* },),
            }
        });
        let reads = listed.iter().map(|listed| {
            let (number, variant) = (count(listed.id.index()), &listed.variant);
            let fields = listed
                .fields
                .iter()
                .enumerate()
                .map(|(position, (name, _))| {
                    let position = count(position);
                    quote!(#name: rt::arg(call, #position))
                });
            match listed.fields.is_empty() {
                true => quote!(#number => Some(Self::#variant),),
                false => quote!(#number => Some(Self::#variant { #(#fields),* }),),
            }
        });
        let writes = listed.iter().map(|listed| {
            let (number, variant) = (count(listed.id.index()), &listed.variant);
            let names: Vec<_> = listed.fields.iter().map(|(name, _)| name).collect();
            let args = listed.fields.iter().map(|(name, width)| {
                let width_token = Literal::u32_unsuffixed(*width);
                match Repr::of(*width) {
                    Repr::Wide => quote!(rt::bits(#width_token, #name.clone())),
                    _ => quote!(rt::bits(#width_token, *#name)),
                }
            });
            let pattern = match names.is_empty() {
                true => quote!(Self::#variant),
                false => quote!(Self::#variant { #(#names),* }),
            };
            quote!(#pattern => rt::declare::call(#number, vec![#(#args),*]),)
        });
        let entries = (!table.keys.is_empty()).then(|| self.entries(table));
        let set_default = (!table.is_default_const).then(|| {
            quote! {
                /// Sets what the table does without a match.
                ///
                /// # Errors
                /// An action that may not be the default, data that do not fit.
                pub fn set_default(
                    state: &mut engine::State, action: &Action,
                ) -> Result<(), engine::EntryError> {
                    state.set_default_action(table(), action.to_call())
                }
            }
        });
        quote! {
            /// What an entry does.
            #[derive(Clone, Debug, PartialEq, Eq)]
            pub enum Action { #(#variants)* }

            impl Action {
                /// The action of a call; none if the table has not such a one.
                #[must_use]
                pub fn read(call: &engine::ir::ActionCall) -> Option<Self> {
                    match engine::ir::Id::index(call.action) { #(#reads)* _ => None }
                }

                /// The call of the action, its data cut to their widths.
                #[must_use]
                pub fn to_call(&self) -> engine::ir::ActionCall {
                    match self { #(#writes)* }
                }
            }

            /// The table's name in the state.
            #[must_use]
            pub fn table() -> engine::Ref<engine::ir::TableId> {
                engine::Ref {
                    gress: engine::ir::Id::from_index(#gress),
                    id: engine::ir::Id::from_index(#number),
                }
            }
            #set_default
            #entries
        }
    }

    /// Keys, and what the control plane does with entries.
    fn entries(&self, table: &Table) -> TokenStream {
        let mut names = Names::default();
        let keys: Vec<(Ident, u32, MatchKind, &str)> = table
            .keys
            .iter()
            .map(|key| {
                let leaf = key.name.rsplit('.').next().unwrap_or(&key.name);
                (
                    names.snake(leaf),
                    key.expr.width(self.gress),
                    key.kind,
                    &*key.name,
                )
            })
            .collect();
        let matched = keys
            .iter()
            .filter(|(_, _, kind, _)| *kind != MatchKind::Selector);
        let fields = matched.map(|(name, width, kind, full)| {
            let ty = Repr::of(*width).ty();
            let (ty, how) = match kind {
                MatchKind::Exact | MatchKind::Selector => (ty, "exact"),
                MatchKind::Ternary => (quote!(rt::Ternary<#ty>), "ternary"),
                MatchKind::Lpm => (quote!(rt::Lpm<#ty>), "longest prefix"),
                MatchKind::Range => (quote!(rt::Range<#ty>), "range"),
                MatchKind::Optional => (quote!(Option<#ty>), "optional"),
            };
            let docs = format!(" `{full}`, {width} bits, {how}.");
            quote!(#[doc = #docs] pub #name: #ty,)
        });
        let matches = keys.iter().map(|(name, width, kind, _)| match kind {
            MatchKind::Selector => quote!(engine::ir::Match::Any),
            MatchKind::Exact
            | MatchKind::Ternary
            | MatchKind::Lpm
            | MatchKind::Range
            | MatchKind::Optional => {
                let width = Literal::u32_unsuffixed(*width);
                quote!(rt::MatchValue::to_match(&self.#name, #width))
            }
        });
        let has_priorities = table.keys.iter().any(|key| match key.kind {
            MatchKind::Ternary | MatchKind::Range | MatchKind::Optional => true,
            MatchKind::Exact | MatchKind::Lpm | MatchKind::Selector => false,
        });
        let (param, priority) = match has_priorities {
            true => (quote!(priority: u32,), quote!(priority)),
            false => (TokenStream::new(), quote!(0)),
        };
        let priority_arg = has_priorities.then(|| quote!(priority,));
        let changes = (!table.are_entries_const).then(|| {
            quote! {
                fn entry(key: &Key, #param action: &Action) -> engine::InstalledEntry {
                    engine::InstalledEntry {
                        matches: key.to_matches(),
                        priority: #priority,
                        target: engine::EntryTarget::Action(action.to_call()),
                        span: engine::Span::NONE,
                    }
                }

                /// Adds an entry; returns its slot.
                ///
                /// # Errors
                /// A duplicate, a full table, an action that entries may not name.
                pub fn insert(
                    state: &mut engine::State, key: &Key, #param action: &Action,
                ) -> Result<usize, engine::EntryError> {
                    state.insert_entry(table(), entry(key, #priority_arg action))
                }

                /// Gives the entry with this key another action; returns its slot.
                ///
                /// # Errors
                /// No such entry, an action that entries may not name.
                pub fn modify(
                    state: &mut engine::State, key: &Key, #param action: &Action,
                ) -> Result<usize, engine::EntryError> {
                    state.modify_entry(table(), entry(key, #priority_arg action))
                }

                /// Removes the entry with this key.
                ///
                /// # Errors
                /// No such entry.
                pub fn delete(
                    state: &mut engine::State, key: &Key, #param
                ) -> Result<(), engine::EntryError> {
                    state.delete_entry(table(), key.to_matches(), #priority)
                }

                /// Removes all entries.
                ///
                /// # Errors
                /// None: the table has no constant entries.
                pub fn clear(state: &mut engine::State) -> Result<(), engine::EntryError> {
                    state.clear_entries(table())
                }
            }
        });
        quote! {
            /// What an entry matches.
            #[derive(Clone, Debug, PartialEq, Eq)]
            pub struct Key { #(#fields)* }

            impl Key {
                /// The matches, in the order of the table's keys.
                #[must_use]
                pub fn to_matches(&self) -> Vec<engine::ir::Match> {
                    vec![#(#matches),*]
                }
            }
            #changes
        }
    }
}
