//! What the emitted pipe says of its program, for the state, the control plane and the device
//! ([`p4rmt_engine::emitted::declare`]).

use p4rmt_ir::{
    Action, Arch, Bits, Body, CountKind, FieldKind, Filter, FilterKind, Gress, GressRole, Id,
    Match, MatchKind, Param, Pipe, Program, Table,
};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use crate::gress::count;
use crate::value::constant_bits;

/// The module of the declaration.
pub(crate) fn declaration_module(program: &Program, pipe: &Pipe, names: &[Ident]) -> TokenStream {
    let (name, pipe_name, errors) = (&program.name, &pipe.name, &program.errors);
    let arch = match program.arch {
        Arch::Tna => quote!(Tna),
        Arch::T2na => quote!(T2na),
        Arch::V1model => quote!(V1model),
    };
    let gresses = pipe
        .gresses
        .values()
        .zip(names)
        .map(|(gress, name)| gress_function(gress, name));
    let calls = names.iter().map(|name| quote!(#name()));
    quote! {
        #![doc = " What the control plane and the device are told of the program."]
        use std::sync::Arc;
        use p4rmt_engine as engine;
        use p4rmt_engine::emitted as rt;
        use p4rmt_engine::emitted::declare::{call, id, DeclaredGress, DeclaredTable};
        use p4rmt_engine::ir;

        /// The program's declarations: what it has, without what it does.
        #[must_use]
        pub fn program() -> Arc<ir::Program> {
            let pipe = ir::Pipe {
                name: #pipe_name.to_owned(),
                gresses: [#(#calls),*].into_iter().collect(),
                span: engine::Span::NONE,
            };
            Arc::new(ir::Program {
                name: #name.to_owned(),
                arch: ir::Arch::#arch,
                errors: [#(#errors),*].map(str::to_owned).to_vec(),
                pipes: [pipe].into_iter().collect(),
            })
        }

        #(#gresses)*
    }
}

fn gress_function(gress: &Gress, name: &Ident) -> TokenStream {
    let role = match gress.role {
        GressRole::Ingress => quote!(Ingress),
        GressRole::Egress => quote!(Egress),
        GressRole::Whole => quote!(Whole),
    };
    let fields = gress.fields.values().map(|field| {
        let (name, width) = (&field.name, Literal::u32_unsuffixed(field.width));
        let is_signed = field.is_signed;
        let kind = match field.kind {
            FieldKind::Header(header) => {
                let header = count(header.index());
                quote!(Header(id(#header)))
            }
            FieldKind::Validity(header) => {
                let header = count(header.index());
                quote!(Validity(id(#header)))
            }
            FieldKind::VarbitWidth(header) => {
                let header = count(header.index());
                quote!(VarbitWidth(id(#header)))
            }
            FieldKind::Metadata => quote!(Metadata),
            FieldKind::Intrinsic => quote!(Intrinsic),
            FieldKind::Local => quote!(Local),
        };
        quote!(gress.field(#name, #width, #is_signed, ir::FieldKind::#kind);)
    });
    let headers = gress.headers.values().map(|header| {
        let (name, ty, valid) = (&header.name, &header.type_name, count(header.valid.index()));
        let fields = numbers(header.fields.iter().map(|field| field.index()));
        let varbit = match header.varbit {
            Some((field, width)) => {
                let (field, width) = (count(field.index()), count(width.index()));
                quote!(Some((#field, #width)))
            }
            None => quote!(None),
        };
        quote!(gress.header(#name, #ty, &#fields, #valid, #varbit);)
    });
    let intrinsics = gress.intrinsics.iter().map(|(name, field)| {
        let field = count(field.index());
        quote!(gress.intrinsic(#name, #field);)
    });
    let actions: Vec<(&String, &Vec<Param>)> = match &gress.body {
        Body::Structured(body) => {
            let actions = body.actions.values();
            actions
                .map(|Action { name, params, .. }| (name, params))
                .collect()
        }
        Body::Tables(body) => {
            let actions = body.actions.values();
            actions
                .map(|action| (&action.name, &action.params))
                .collect()
        }
    };
    let actions = actions.into_iter().map(|(name, params)| {
        let params = params.iter().map(|Param { name, width }| {
            let width = Literal::u32_unsuffixed(*width);
            quote!((#name, #width))
        });
        quote!(gress.action(#name, &[#(#params),*]);)
    });
    let tables = gress
        .tables
        .values()
        .map(|table| declared_table(gress, table));
    let memory = memory(gress);
    let others = others(gress);
    quote! {
        fn #name() -> ir::Gress {
            let mut gress = DeclaredGress::new(ir::GressRole::#role);
            #(#fields)*
            #(#headers)*
            #(#intrinsics)*
            #(#actions)*
            #(#tables)*
            #memory
            #others
            gress.finish()
        }
    }
}

fn memory(gress: &Gress) -> TokenStream {
    let registers = gress.registers.values().map(|register| {
        let (name, size) = (&register.name, Literal::u64_unsuffixed(register.size));
        let element = register.element.iter().map(|field| {
            let (name, width) = (&field.name, Literal::u32_unsuffixed(field.width));
            let is_signed = field.is_signed;
            quote!((#name, #width, #is_signed))
        });
        let initial = register.initial.iter().map(constant);
        quote!(gress.register(#name, #size, &[#(#element),*], vec![#(#initial),*]);)
    });
    let counters = gress.counters.values().map(|counter| {
        let (name, kind) = (&counter.name, count_kind(counter.kind));
        let (width, size) = (
            Literal::u32_unsuffixed(counter.width),
            Literal::u64_unsuffixed(counter.size),
        );
        let adjust = Literal::i32_unsuffixed(counter.adjust_bytes);
        quote!(gress.counter(#name, #kind, #width, #size, #adjust);)
    });
    let meters = gress.meters.values().map(|meter| {
        let (name, kind) = (&meter.name, count_kind(meter.kind));
        let (size, colors) = (
            Literal::u64_unsuffixed(meter.size),
            meter.colors.iter().map(constant),
        );
        let adjust = Literal::i32_unsuffixed(meter.adjust_bytes);
        let filter = match &meter.filter {
            None => quote!(None),
            Some(Filter { width, kind }) => {
                let width = Literal::u32_unsuffixed(*width);
                let kind = match kind {
                    FilterKind::LowPass => quote!(LowPass),
                    FilterKind::EarlyDrop { drop, no_drop } => {
                        let (drop, no_drop) = (constant(drop), constant(no_drop));
                        quote!(EarlyDrop { drop: #drop, no_drop: #no_drop })
                    }
                };
                quote!(Some(ir::Filter { width: #width, kind: ir::FilterKind::#kind }))
            }
        };
        quote!(gress.meter(#name, #kind, #size, [#(#colors),*], #adjust, #filter);)
    });
    quote!(#(#registers)* #(#counters)* #(#meters)*)
}

fn others(gress: &Gress) -> TokenStream {
    let digests = gress.digests.values().map(|digest| {
        let name = &digest.name;
        let fields = digest.fields.iter().map(|(name, width)| {
            let width = Literal::u32_unsuffixed(*width);
            quote!((#name, #width))
        });
        quote!(gress.digest(#name, &[#(#fields),*]);)
    });
    let profiles = gress.profiles.values().map(|profile| {
        let (name, size) = (&profile.name, Literal::u64_unsuffixed(profile.size));
        let selector = match profile.selector {
            None => quote!(None),
            Some(selector) => {
                let hash = count(selector.hash.index());
                let groups = match selector.groups {
                    None => quote!(None),
                    Some(limits) => {
                        let most = Literal::u32_unsuffixed(limits.max_size);
                        let n_groups = Literal::u32_unsuffixed(limits.n_groups);
                        quote!(Some(ir::GroupLimits { max_size: #most, n_groups: #n_groups }))
                    }
                };
                quote!(Some(ir::Selector { hash: id(#hash), groups: #groups }))
            }
        };
        quote!(gress.profile(#name, #size, #selector);)
    });
    let value_sets = gress.value_sets.values().map(|set| {
        let (name, size) = (&set.name, Literal::u64_unsuffixed(set.size));
        let widths = set
            .widths
            .iter()
            .map(|width| Literal::u32_unsuffixed(*width));
        quote!(gress.value_set(#name, &[#(#widths),*], #size);)
    });
    quote!(#(#digests)* #(#profiles)* #(#value_sets)*)
}

fn declared_table(gress: &Gress, table: &Table) -> TokenStream {
    let name = &table.name;
    let keys = table.keys.iter().map(|key| {
        let (name, width) = (&key.name, Literal::u32_unsuffixed(key.expr.width(gress)));
        let kind = match key.kind {
            MatchKind::Exact => quote!(Exact),
            MatchKind::Ternary => quote!(Ternary),
            MatchKind::Lpm => quote!(Lpm),
            MatchKind::Range => quote!(Range),
            MatchKind::Optional => quote!(Optional),
            MatchKind::Selector => quote!(Selector),
        };
        quote!((#name, #width, ir::MatchKind::#kind))
    });
    let actions = table.actions.iter().map(|listed| {
        let (action, in_entries, as_default) = (
            count(listed.action.index()),
            listed.in_entries,
            listed.as_default,
        );
        quote!((#action, #in_entries, #as_default))
    });
    let call = |call: &p4rmt_ir::ActionCall| {
        let (action, args) = (count(call.action.index()), call.args.iter().map(constant));
        quote!(call(#action, vec![#(#args),*]))
    };
    let default_action = call(&table.default_action);
    let entries = table.entries.iter().map(|entry| {
        let (matches, action) = (entry.matches.iter().map(match_code), call(&entry.action));
        let priority = Literal::u32_unsuffixed(entry.priority);
        quote!((vec![#(#matches),*], #priority, #action))
    });
    let (is_default_const, are_entries_const) = (table.is_default_const, table.are_entries_const);
    let size = Literal::u64_unsuffixed(table.size);
    let counters = numbers(table.direct_counters.iter().map(|id| id.index()));
    let meters = numbers(table.direct_meters.iter().map(|id| id.index()));
    let registers = numbers(table.direct_registers.iter().map(|id| id.index()));
    let implementation = match table.implementation {
        Some(profile) => {
            let profile = count(profile.index());
            quote!(Some(#profile))
        }
        None => quote!(None),
    };
    let is_declared = table.is_declared;
    quote! {
        gress.table(DeclaredTable {
            name: #name,
            keys: &[#(#keys),*],
            actions: &[#(#actions),*],
            default_action: #default_action,
            is_default_const: #is_default_const,
            entries: vec![#(#entries),*],
            are_entries_const: #are_entries_const,
            size: #size,
            direct_counters: &#counters,
            direct_meters: &#meters,
            direct_registers: &#registers,
            implementation: #implementation,
            is_declared: #is_declared,
        });
    }
}

fn match_code(wanted: &Match) -> TokenStream {
    match wanted {
        Match::Exact(value) => {
            let value = constant(value);
            quote!(ir::Match::Exact(#value))
        }
        Match::Ternary { value, mask } => {
            let (value, mask) = (constant(value), constant(mask));
            quote!(ir::Match::Ternary { value: #value, mask: #mask })
        }
        Match::Lpm { value, prefix_len } => {
            let (value, prefix_len) = (constant(value), Literal::u32_unsuffixed(*prefix_len));
            quote!(ir::Match::Lpm { value: #value, prefix_len: #prefix_len })
        }
        Match::Range { lo, hi } => {
            let (lo, hi) = (constant(lo), constant(hi));
            quote!(ir::Match::Range { lo: #lo, hi: #hi })
        }
        Match::Any => quote!(ir::Match::Any),
    }
}

fn count_kind(kind: CountKind) -> TokenStream {
    let name = match kind {
        CountKind::Packets => format_ident!("Packets"),
        CountKind::Bytes => format_ident!("Bytes"),
        CountKind::PacketsAndBytes => format_ident!("PacketsAndBytes"),
    };
    quote!(ir::CountKind::#name)
}

fn constant(value: &Bits) -> TokenStream {
    constant_bits(value)
}

fn numbers(numbers: impl Iterator<Item = usize>) -> TokenStream {
    let numbers = numbers.map(count);
    quote!([#(#numbers),*])
}
