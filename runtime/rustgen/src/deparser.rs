//! The deparser: valid headers in order, and requests for copies, another round, and messages.

use p4rmt_ir::{Block, HeaderId, Id, StmtKind};
use proc_macro2::TokenStream;
use quote::quote;

use crate::error::EmitError;
use crate::gress::{GressWriter, Part, Scope};

impl GressWriter<'_> {
    /// The module of the deparser.
    pub(crate) fn deparser_module(&mut self) -> Result<TokenStream, EmitError> {
        let deparser = &self.gress.deparser;
        let mut emitted = Vec::new();
        emitted_headers(&deparser.body, &mut emitted);
        // A header that is not made of whole bytes shifts all that follow.
        self.has_bitwise_deparser = emitted.iter().any(|id| {
            let ty = &self.header_types[self.header_type_of[id.index()]];
            let n_bits: u32 = ty.fields.iter().map(|(_, width)| width).sum();
            ty.varbit.is_some() || !n_bits.is_multiple_of(8)
        });
        let scope = Scope::new(Part::Deparser).at(deparser.span);
        let body = self.block(&deparser.body, &scope)?;
        let docs = self.docs(&deparser.name, deparser.span);
        let body = match self.has_bitwise_deparser {
            false => body,
            true => quote! {
                let mut emitted: Vec<engine::ir::Bits> = Vec::new();
                put_together(g, cx, p, &mut emitted);
                let mut writer = engine::BitWriter::new(&mut cx.outcome.bytes);
                emitted.iter().for_each(|value| writer.write(value));
            },
        };
        let inner = self.has_bitwise_deparser.then(|| {
            let body = self.block(&deparser.body, &scope)?;
            Ok::<_, EmitError>(quote! {
                /// The values of the headers, one behind the other.
                fn put_together(
                    g: &Loaded, cx: &mut rt::Context<'_>, p: &mut Packet,
                    emitted: &mut Vec<engine::ir::Bits>,
                ) { #body }
            })
        });
        let inner = inner.transpose()?;
        Ok(quote! {
            #![doc = " The deparser: how the packet is put together again."]
            use p4rmt_engine as engine;
            use p4rmt_engine::emitted as rt;
            use super::Loaded;
            use super::packet::Packet;

            #[doc = #docs]
            pub fn deparse(g: &Loaded, cx: &mut rt::Context<'_>, p: &mut Packet) { #body }
            #inner
        })
    }
}

fn emitted_headers(block: &Block, found: &mut Vec<HeaderId>) {
    for stmt in block {
        match &stmt.kind {
            StmtKind::Emit { header } => found.push(*header),
            StmtKind::If {
                then, otherwise, ..
            } => {
                emitted_headers(then, found);
                emitted_headers(otherwise, found);
            }
            StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => {
                emitted_headers(body, found);
            }
            StmtKind::Apply { arms, .. } => {
                arms.iter()
                    .for_each(|arm| emitted_headers(&arm.body, found));
            }
            StmtKind::Assign { .. }
            | StmtKind::Call(_)
            | StmtKind::Leave(_)
            | StmtKind::Exit
            | StmtKind::Extract { .. }
            | StmtKind::Advance { .. }
            | StmtKind::Verify { .. } => {}
        }
    }
}
