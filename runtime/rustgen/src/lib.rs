//! A pipe as a Rust crate that a user can read, build and embed.
//!
//! In: a validated program in either form, and what the device exchanges with its pipe. Out: the text of a
//! crate that depends on `p4rmt-engine` alone, means what the interpreter means, and is the same text
//! for the same input. The crate has a module a gress, and in it a module a block:
//!
//! | module | what |
//! |---|---|
//! | `declaration` | what the control plane and the device are told of the program |
//! | `ingress`, `egress` (`pipeline` of v1model) | a gress: how a packet goes through it |
//! | `….headers`, `….packet` | fields as native integers; headers as bytes |
//! | `….parser`, `….deparser` | a function a parser state; the packet put together again |
//! | `….control`, or the names of the program's controls | the control flow |
//! | `….tables`, `….actions` | keys and actions, typed, and what the control plane does with them |
//! | `….registers`, `….register_actions` | memory, and what packets do with it |
//!
//! Packets run without stages, table after table: a placement cannot change what they lead to.
//! What cannot be written as Rust yet is refused ([`EmitError::Unsupported`]).
//!
//! ```
//! use p4rmt_engine::{GressInterface, Interface};
//! use p4rmt_ir::build::{GressBuilder, assign, constant, program};
//! use p4rmt_ir::{Arch, GressRole, Id, PipeId};
//! use p4rmt_rustgen::{Dependency, Options, emit};
//!
//! // A pipe that sends every packet to port 2.
//! let mut gress = GressBuilder::new(GressRole::Ingress);
//! let port = gress.intrinsic("ingress_intrinsic_metadata_for_tm_t.ucast_egress_port", 9);
//! let gress = gress.structured(vec![assign(port, constant(9, 2))]);
//! let program = std::sync::Arc::new(program("two", Arch::Tna, [gress]));
//!
//! let watched = GressInterface { watched: vec![port], ..GressInterface::default() };
//! let options = Options {
//!     interface: &Interface { gresses: std::iter::once(watched).collect() },
//!     locate: &|_| None,
//!     engine: &Dependency::Version("0.1.0".to_owned()),
//! };
//! let emitted = emit(&program, PipeId::from_index(0), &options)?;
//! let control = emitted.files().find(|(path, _)| path.ends_with("ingress/control.rs"));
//! assert!(control.expect("it has one").1.contains("ucast_egress_port = 2;"));
//! # Ok::<(), p4rmt_rustgen::EmitError>(())
//! ```

mod call;
mod child;
mod control;
mod declaration;
mod deparser;
mod error;
mod expr;
mod flow;
mod gress;
mod header;
mod host;
mod manifest;
mod module;
mod names;
mod pack;
mod parser;
mod stateful;
mod statement;
mod table;
mod value;

use std::sync::Arc;

use p4rmt_engine::{GressInterface, Interface, StateLayout};
use p4rmt_ir::{GressRole, PipeId, Program};
use p4rmt_source::Span;
use proc_macro2::{Ident, TokenStream};
use quote::quote;

pub use child::ChildEngine;
pub use error::{BuildError, EmitError};
pub use host::{Host, Profile};
pub use manifest::Dependency;

use crate::gress::{GressWriter, count};

/// How a pipe is emitted.
pub struct Options<'a> {
    /// What the device exchanges with the pipe: the crate runs in such a device only.
    pub interface: &'a Interface,
    /// Where a place of the program is, for the documentation.
    pub locate: &'a dyn Fn(Span) -> Option<String>,
    /// Where the crate finds `p4rmt-engine`.
    pub engine: &'a Dependency,
}

/// The text of a crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emitted {
    name: String,
    manifest: String,
    root: String,
    modules: Vec<(String, String)>,
}

impl Emitted {
    /// The name of the crate.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The files of the crate: path and text.
    pub fn files(&self) -> impl Iterator<Item = (String, &str)> {
        let first = [
            ("Cargo.toml".to_owned(), &*self.manifest),
            ("src/lib.rs".to_owned(), &*self.root),
        ];
        first.into_iter().chain(self.below("src"))
    }

    /// The files of the crate as a module of another one, in this folder.
    pub fn as_module(&self, folder: &str) -> impl Iterator<Item = (String, &str)> {
        let root = (format!("{folder}/mod.rs"), &*self.root);
        [root].into_iter().chain(self.below(folder))
    }

    fn below(&self, folder: &str) -> impl Iterator<Item = (String, &str)> {
        let modules = self.modules.iter();
        modules.map(move |(path, text)| (format!("{folder}/{path}"), &**text))
    }
}

/// Emits one pipe of a program.
///
/// # Errors
/// A pipe that is not there, and what cannot be written as Rust.
pub fn emit(
    program: &Arc<Program>,
    pipe_id: PipeId,
    options: &Options<'_>,
) -> Result<Emitted, EmitError> {
    let Some(pipe) = program.pipes.get(pipe_id) else {
        return Err(EmitError::NoPipe {
            pipe: pipe_id,
            available: program.pipes.len(),
        });
    };
    let layout = StateLayout::new(Arc::clone(program), pipe_id)?;
    let nothing = GressInterface::default();
    let mut modules = Vec::new();
    let mut names: Vec<Ident> = Vec::new();
    let mut offsets = Vec::new();
    for (id, gress) in pipe.gresses.iter() {
        if gress.role == GressRole::Whole && gress.as_tables().is_some() {
            return Err(EmitError::Unsupported {
                construct: "a gress of v1model in the tables form",
                span: gress.parser.span,
            });
        }
        let arrays = layout.gress(id).expect("a gress of the pipe");
        let interface = options.interface.gresses.get(id).unwrap_or(&nothing);
        let mut writer = GressWriter::new(program, (id, gress), arrays, interface, options.locate);
        let name = module::module_name(gress.role);
        let mut add = |path: &str, code: &TokenStream| {
            let path = format!("{name}/{path}.rs");
            let text = format_code(&path, code)?;
            modules.push((path, text));
            Ok::<_, EmitError>(())
        };
        add("parser", &writer.parser_module()?)?;
        add("deparser", &writer.deparser_module()?)?;
        let controls = writer.controls()?;
        for control in &controls {
            add(&control.name.to_string(), &control.code)?;
        }
        add("mod", &writer.gress_module(&controls))?;
        add("headers", &writer.headers_module())?;
        add("packet", &writer.packet_module())?;
        add("actions", &writer.actions_module()?)?;
        add("tables", &writer.tables_module()?)?;
        add("registers", &writer.registers_module())?;
        add("register_actions", &writer.register_actions_module()?)?;
        offsets.extend(writer.offsets());
        names.push(name);
    }
    let declaration = declaration::declaration_module(program, pipe, &names);
    modules.push((
        "declaration.rs".to_owned(),
        format_code("declaration.rs", &declaration)?,
    ));
    modules.sort();
    let name = names::snake(&program.name);
    let root = root_module(program, &names, layout.n_bytes(), &offsets);
    Ok(Emitted {
        manifest: manifest::manifest(&name, &program.name, options.engine),
        root: format_code("lib.rs", &root)?,
        name,
        modules,
    })
}

/// The crate's own module: the pipe, and how it is loaded.
fn root_module(
    program: &Program,
    names: &[Ident],
    n_bytes: usize,
    offsets: &[proc_macro2::Literal],
) -> TokenStream {
    let title = format!(
        " The pipe of `{}`, written out as Rust by `p4rmt emit --to rust`.",
        program.name
    );
    let n_bytes = count(n_bytes);
    let numbers = (0..names.len()).map(count);
    let runs = names.iter().zip(numbers).map(|(name, number)| {
        quote! {
            #number => {
                rt::check_batch(
                    &self.layout, jobs, outcomes, state,
                    #name::N_INPUT_WORDS, #name::N_FIELD_WORDS,
                )?;
                self.#name.run(jobs, outcomes, state);
            }
        }
    });
    let numbers = (0..names.len()).map(count);
    let counts = names
        .iter()
        .zip(numbers)
        .map(|(name, number)| quote!(#number => self.#name.table_counts().to_vec(),));
    let n_gresses = count(names.len());
    quote! {
        #![doc = #title]
        //!
        //! [`Pipe`] runs packets, and is an instance of an engine ([`Emitted`]): a device can drive it. What
        //! outlives packets is a `State` ([`Pipe::new_state`]), which the control plane fills through the
        //! modules of tables and registers. The program's text is the source of this text: change it there.
        #![allow(
            clippy::all,
            clippy::pedantic,
            dead_code,
            non_camel_case_types,
            unreachable_code,
            unreachable_patterns,
            unused_assignments,
            unused_imports,
            unused_labels,
            unused_mut,
            unused_parens,
            unused_variables,
            reason = "it is as regular as the program is, not as short as it could be"
        )]

        pub mod declaration;
        #(pub mod #names;)*

        use std::sync::Arc;
        use p4rmt_engine as engine;
        use p4rmt_engine::emitted as rt;
        use p4rmt_engine::ir::{GressId, Id, PipeId, Program};

        pub use declaration::program;

        /// The pipe, ready to run.
        #[derive(Clone, Debug)]
        pub struct Pipe {
            layout: Arc<engine::StateLayout>,
            interface: engine::Interface,
            #(
                /// One way through the pipe.
                pub #names: #names::Gress,
            )*
        }

        impl Pipe {
            /// Makes the pipe.
            ///
            /// # Errors
            /// A version of `p4rmt-engine` that lays memory out otherwise than this text was made for.
            pub fn new() -> Result<Self, engine::EngineError> {
                let layout = engine::StateLayout::new(program(), PipeId::from_index(0))?;
                rt::check_layout(&layout, #n_bytes, &[#(#offsets),*])?;
                Ok(Self {
                    layout,
                    interface: engine::Interface {
                        gresses: [#(#names::interface()),*].into_iter().collect(),
                    },
                    #(#names: #names::Gress::default(),)*
                })
            }

            /// How its state is laid out.
            #[must_use]
            pub fn layout(&self) -> &Arc<engine::StateLayout> {
                &self.layout
            }

            /// The state before the first packet.
            ///
            /// # Errors
            /// An entry of the program that does not fit its table.
            pub fn new_state(&self) -> Result<engine::State, engine::StateError> {
                engine::State::new(Arc::clone(&self.layout))
            }
        }

        impl engine::Instance for Pipe {
            fn run(
                &mut self,
                gress: GressId,
                jobs: &[engine::Job<'_>],
                outcomes: &mut [engine::Outcome],
                state: &mut engine::State,
                trace: Option<&mut dyn engine::Trace>,
            ) -> Result<(), engine::EngineError> {
                rt::refuse_trace(trace.is_some())?;
                match gress.index() {
                    #(#runs)*
                    _ => return Err(engine::EngineError::NoGress { gress, available: #n_gresses }),
                }
                Ok(())
            }

            fn interface(&self) -> &engine::Interface {
                &self.interface
            }

            fn table_counts(&self, gress: GressId) -> Vec<engine::TableCounts> {
                match gress.index() {
                    #(#counts)*
                    _ => Vec::new(),
                }
            }
        }

        /// The pipe as an engine, for a device. It runs this program only, without stages.
        #[derive(Clone, Copy, Debug, Default)]
        pub struct Emitted;

        impl engine::Engine for Emitted {
            fn name(&self) -> &'static str {
                "rust"
            }

            fn load(
                &self,
                program: Arc<Program>,
                pipe: PipeId,
                _mode: engine::Mode,
                interface: engine::Interface,
            ) -> Result<Box<dyn engine::Instance>, engine::EngineError> {
                let emitted = Pipe::new()?;
                rt::check_program(&emitted.layout, &program, pipe)?;
                rt::check_interface(&emitted.interface, &interface)?;
                Ok(Box::new(emitted))
            }
        }
    }
}

/// The text of a module.
fn format_code(file: &str, code: &TokenStream) -> Result<String, EmitError> {
    let parsed = syn::parse2::<syn::File>(code.clone()).map_err(|error| EmitError::NoRust {
        file: file.to_owned(),
        reason: format!("{error}: {code}"),
    })?;
    Ok(spaced(&prettyplease::unparse(&parsed)))
}

/// The text with an empty line between items, which the printer leaves out.
fn spaced(text: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut spaced = String::new();
    let mut before = "";
    for line in text.lines() {
        let starts_item = [
            "///", "#[", "pub ", "fn ", "impl ", "enum ", "struct ", "mod ",
        ];
        let starts_item = starts_item
            .iter()
            .any(|start| line.trim_start().starts_with(start));
        let is_behind_item = before.trim() == "}" && indent(before) == indent(line);
        let is_behind_uses = before.starts_with("use ") && !line.starts_with("use ");
        let is_behind_docs = before.starts_with("//!") && !line.starts_with("//!");
        if (is_behind_item && starts_item) || is_behind_uses || is_behind_docs {
            spaced.push('\n');
        }
        spaced.push_str(line);
        spaced.push('\n');
        before = line;
    }
    spaced
}
