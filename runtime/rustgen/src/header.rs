//! Headers, metadata, and the packet that holds them.

use p4rmt_ir::{FieldId, HeaderId, Id};
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

use crate::gress::{GressWriter, HeaderType, count};
use crate::pack::{Fill, pack, unpack};
use crate::value::{Repr, Value, literal};

impl GressWriter<'_> {
    /// The module of the headers: a type each, and all of them together.
    pub(crate) fn headers_module(&self) -> TokenStream {
        let types = self.header_types.iter().map(|ty| self.header_type(ty));
        let fields = self.gress.headers.iter().map(|(id, header)| {
            let ty = &self.header_types[self.header_type_of[id.index()]].name;
            let (name, docs) = (
                &self.header_names[id.index()],
                format!(" `{}`.", header.name),
            );
            quote!(#[doc = #docs] pub #name: #ty,)
        });
        quote! {
            #![doc = " Headers: their fields, and how they lie on the wire."]
            use p4rmt_engine as engine;
            use p4rmt_engine::emitted as rt;
            #(#types)*

            /// All headers of a packet.
            #[derive(Clone, Debug, Default, PartialEq, Eq)]
            pub struct Headers { #(#fields)* }
        }
    }

    fn header_type(&self, ty: &HeaderType) -> TokenStream {
        let (name, docs) = (&ty.name, self.docs(&ty.type_name, ty.span));
        let valid = &ty.valid;
        let fields = ty.fields.iter().map(|(name, width)| {
            let (ty, docs) = (Repr::of(*width).ty(), format!(" {width} bits."));
            quote!(#[doc = #docs] pub #name: #ty,)
        });
        let varbit_width = ty.varbit.iter().map(|(_, name)| {
            quote!(/** Width in bits that its varbit field has in this packet. */ pub #name: u32,)
        });
        let is_plain = ty
            .fields
            .iter()
            .all(|(_, width)| Repr::of(*width) != Repr::Wide);
        let derives = match is_plain {
            true => quote!(#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]),
            false => quote!(#[derive(Clone, Debug, PartialEq, Eq)]),
        };
        let default = (!is_plain).then(|| {
            let zeros = ty.fields.iter().map(|(name, width)| {
                let zero = literal(&p4rmt_ir::Bits::zero(*width), false);
                quote!(#name: #zero,)
            });
            let varbit_width = ty.varbit.iter().map(|(_, name)| quote!(#name: 0,));
            quote! {
                impl Default for #name {
                    fn default() -> Self {
                        Self { #valid: false, #(#zeros)* #(#varbit_width)* }
                    }
                }
            }
        });
        let bytes = ty.varbit.is_none().then(|| self.header_bytes(ty));
        quote! {
            #[doc = #docs]
            #derives
            pub struct #name {
                /// Whether the packet has it.
                pub #valid: bool,
                #(#fields)*
                #(#varbit_width)*
            }
            #default
            #bytes
        }
    }

    /// A header without varbit field as bytes, and back.
    fn header_bytes(&self, ty: &HeaderType) -> TokenStream {
        let (name, valid) = (&ty.name, &ty.valid);
        let n_bits: u32 = ty.fields.iter().map(|(_, width)| width).sum();
        let n_bytes = count(n_bits.div_ceil(8) as usize);
        let data = format_ident!("data");
        let mut offset = 0;
        let reads = ty.fields.iter().map(|(name, width)| {
            let value = unpack(&data, offset, *width).code;
            offset += width;
            quote!(#name: #value)
        });
        let reads: Vec<_> = reads.collect();
        let values: Vec<Value> = ty
            .fields
            .iter()
            .map(|(name, width)| Value::stored(*width, &quote!(self.#name)))
            .collect();
        let (bytes, _) = pack(&values, Fill::Behind);
        let docs = format!(" Its {n_bits} bits as bytes.");
        quote! {
            impl #name {
                /// The header that these bytes are, valid.
                #[inline]
                #[must_use]
                pub fn from_bytes(data: &[u8; #n_bytes]) -> Self {
                    Self { #valid: true, #(#reads),* }
                }

                #[doc = #docs]
                #[inline]
                #[must_use]
                pub fn to_bytes(&self) -> [u8; #n_bytes] { #bytes }
            }
        }
    }

    /// The module of the packet: headers, metadata and units.
    pub(crate) fn packet_module(&self) -> TokenStream {
        let groups = self.groups.iter().map(|group| {
            let (ty, docs) = (&group.ty, format!(" {}", group.docs));
            let fields = group.fields.iter().map(|(name, id)| {
                let field = &self.gress.fields[*id];
                let (ty, docs) = (
                    Repr::of(field.width).ty(),
                    format!(" `{}`, {} bits.", field.name, field.width),
                );
                quote!(#[doc = #docs] pub #name: #ty,)
            });
            let is_plain = |id: &FieldId| Repr::of(self.gress.fields[*id].width) != Repr::Wide;
            let derives = match group.fields.iter().all(|(_, id)| is_plain(id)) {
                true => quote!(#[derive(Clone, Debug, Default, PartialEq, Eq)]),
                false => quote!(#[derive(Clone, Debug, PartialEq, Eq)]),
            };
            let default = (!group.fields.iter().all(|(_, id)| is_plain(id))).then(|| {
                let zeros = group.fields.iter().map(|(name, id)| {
                    let zero = p4rmt_ir::Bits::zero(self.gress.fields[*id].width);
                    let zero = literal(&zero, false);
                    quote!(#name: #zero)
                });
                quote!(impl Default for #ty { fn default() -> Self { Self { #(#zeros),* } } })
            });
            quote! {
                #[doc = #docs]
                #derives
                pub struct #ty { #(#fields)* }
                #default
            }
        });
        let members = self.groups.iter().map(|group| {
            let (name, ty, docs) = (&group.name, &group.ty, format!(" {}", group.docs));
            quote!(#[doc = #docs] pub #name: #ty,)
        });
        let starts = self.groups.iter().map(|group| {
            let (name, ty) = (&group.name, &group.ty);
            quote!(#name: #ty::default(),)
        });
        let n_sums = count(self.gress.checksums.len());
        let n_draws = count(self.gress.randoms.len());
        let n_meters = count(self.gress.meters.len());
        let loads = self.gress.fields.ids().scan(0, |word, id| {
            let load = self.load_words(id, *word);
            *word += self.gress.fields[id].width.div_ceil(64) as usize;
            Some(load)
        });
        let loads: Vec<_> = loads.collect();
        let saves = self.gress.fields.iter().map(|(id, field)| {
            let value = Value::stored(field.width, &self.fields[id]);
            let width = Literal::u32_unsuffixed(field.width);
            match Repr::of(field.width) {
                Repr::U128 | Repr::Wide => {
                    let code = &value.code;
                    quote!(rt::push_words(words, #width, #code);)
                }
                _ => {
                    let word = value.to_u64();
                    quote!(words.push(#word);)
                }
            }
        });
        let lengths = self.packet_bits();
        quote! {
            #![doc = " The packet at hand: every field of the program."]
            use p4rmt_engine as engine;
            use p4rmt_engine::emitted as rt;
            use super::headers;
            #(#groups)*

            /// Every field, as a packet starts: zero, and no header valid.
            #[derive(Clone, Debug)]
            pub struct Packet {
                /// Headers.
                pub hdr: headers::Headers,
                #(#members)*
                /// Running sums of checksum units.
                pub sums: [engine::OnesSum; #n_sums],
                /// What residual checksums have gathered, where one is asked for.
                pub residuals: [Option<engine::Residual>; #n_sums],
                /// How often each source of random values was asked.
                pub draws: [u32; #n_draws],
                /// The colours that direct meters gave.
                pub direct_colors: [engine::Color; #n_meters],
            }

            impl Default for Packet {
                #[inline]
                fn default() -> Self {
                    Self {
                        hdr: headers::Headers::default(),
                        #(#starts)*
                        sums: [engine::OnesSum::default(); #n_sums],
                        residuals: [None; #n_sums],
                        draws: [0; #n_draws],
                        direct_colors: [engine::Color::Green; #n_meters],
                    }
                }
            }

            impl Packet {
                /// A packet whose fields start as these words say, in the order of the program.
                #[must_use]
                pub fn from_words(words: &[u64]) -> Self {
                    let mut packet = Self::default();
                    let p = &mut packet;
                    #(#loads)*
                    packet
                }

                /// Appends every field as words, in the order of the program.
                pub fn push_words(&self, words: &mut Vec<u64>) {
                    let p = self;
                    #(#saves)*
                }

                /// How many bits the valid headers have together.
                #[must_use]
                pub fn header_bits(&self) -> u64 {
                    let p = self;
                    #lengths
                }
            }
        }
    }

    /// Sets a field by the words from a position on.
    pub(crate) fn load_words(&self, id: FieldId, first: usize) -> TokenStream {
        let (path, width) = (&self.fields[id], self.gress.fields[id].width);
        let word = count(first);
        let value = match Repr::of(width) {
            Repr::U128 => {
                let high = count(first + 1);
                quote!(u128::from(words[#high]) << 64 | u128::from(words[#word]))
            }
            Repr::Wide => {
                let words = (first..first + width.div_ceil(64) as usize)
                    .rev()
                    .map(|word| {
                        let word = count(word);
                        quote!(words[#word])
                    });
                let width = Literal::u32_unsuffixed(width);
                quote!(rt::declare::wide(#width, &[#(#words),*]))
            }
            Repr::Bool | Repr::U8 | Repr::U16 | Repr::U32 | Repr::U64 => {
                Value::simple(64, quote!(words[#word]))
                    .resize(width, false)
                    .code
            }
        };
        quote!(#path = #value;)
    }

    fn packet_bits(&self) -> TokenStream {
        let headers = p4rmt_engine::PacketHeaders::new(self.gress);
        let terms: Vec<TokenStream> = headers
            .lengths()
            .map(|(valid, fixed, varbit_width)| {
                let (valid, fixed) = (&self.fields[valid], Literal::u64_unsuffixed(fixed));
                let varbit = varbit_width.map(|field| {
                    let path = &self.fields[field];
                    quote!(+ u64::from(#path))
                });
                quote!(if #valid { n_bits += #fixed #varbit; })
            })
            .collect();
        quote!(let mut n_bits: u64 = 0; #(#terms)* n_bits)
    }

    /// The deparser puts a header into the packet if it is valid.
    pub(crate) fn emit_header(&self, id: HeaderId) -> TokenStream {
        let ty = &self.header_types[self.header_type_of[id.index()]];
        let (path, valid, number) = (&self.headers[id], &ty.valid, count(id.index()));
        if !self.has_bitwise_deparser {
            return quote!(if #path.#valid { cx.emit(#number, &#path.to_bytes()); });
        }
        let values = ty
            .fields
            .iter()
            .enumerate()
            .map(|(position, (name, width))| {
                let value = Value::stored(*width, &quote!(#path.#name)).as_bits();
                match &ty.varbit {
                    Some((varbit, width_name)) if *varbit == position => {
                        let most = Literal::u32_unsuffixed(*width);
                        quote!(emitted.push(#value.resize(#path.#width_name.min(#most), false));)
                    }
                    Some(_) | None => quote!(emitted.push(#value);),
                }
            });
        quote!(if #path.#valid { cx.emit_elsewhere(#number); #(#values)* })
    }
}
