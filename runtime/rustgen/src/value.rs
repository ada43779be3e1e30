//! Values as Rust text: what type a width has, and every operator on them.
//!
//! One bit is a `bool`, up to 128 bits are the smallest unsigned integer that they fit, and wider values
//! are [`Bits`]. Invariant: bits of an integer above the width are zero.

use p4rmt_ir::{BinaryOp, Bits, UnaryOp};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Repr {
    Bool,
    U8,
    U16,
    U32,
    U64,
    U128,
    Wide,
}

impl Repr {
    /// The type of values of so many bits.
    pub(crate) fn of(width: u32) -> Self {
        match width {
            0..=1 => Self::Bool,
            2..=8 => Self::U8,
            9..=16 => Self::U16,
            17..=32 => Self::U32,
            33..=64 => Self::U64,
            65..=128 => Self::U128,
            129.. => Self::Wide,
        }
    }

    /// Bits of the type; 0 where it is no integer.
    pub(crate) fn bits(self) -> u32 {
        match self {
            Self::Bool | Self::Wide => 0,
            Self::U8 => 8,
            Self::U16 => 16,
            Self::U32 => 32,
            Self::U64 => 64,
            Self::U128 => 128,
        }
    }

    /// The type as text.
    pub(crate) fn ty(self) -> TokenStream {
        match self {
            Self::Bool => quote!(bool),
            Self::U8 => quote!(u8),
            Self::U16 => quote!(u16),
            Self::U32 => quote!(u32),
            Self::U64 => quote!(u64),
            Self::U128 => quote!(u128),
            Self::Wide => quote!(engine::ir::Bits),
        }
    }
}

/// An expression of Rust that is a value of the program.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub(crate) width: u32,
    pub(crate) code: TokenStream,
    /// Whether it can stand beside an operator as it is.
    is_simple: bool,
    /// What it is, where that is known.
    pub(crate) constant: Option<Bits>,
}

impl Value {
    /// A name, path or call.
    pub(crate) fn simple(width: u32, code: TokenStream) -> Self {
        Self {
            width,
            code,
            is_simple: true,
            constant: None,
        }
    }

    /// Any expression.
    pub(crate) fn new(width: u32, code: TokenStream) -> Self {
        Self {
            width,
            code,
            is_simple: false,
            constant: None,
        }
    }

    /// A stored value: copied, or cloned where it is wide.
    pub(crate) fn stored(width: u32, path: &TokenStream) -> Self {
        match Repr::of(width) {
            Repr::Wide => Self::simple(width, quote!(#path.clone())),
            _ => Self::simple(width, path.clone()),
        }
    }

    /// The same, where it is known that bits from a position on are zero.
    pub(crate) fn known_below(&self, width: u32) -> Self {
        Self {
            width,
            ..self.clone()
        }
    }

    /// A constant.
    pub(crate) fn constant(value: &Bits) -> Self {
        Self {
            width: value.width(),
            code: literal(value, false),
            is_simple: true,
            constant: Some(value.clone()),
        }
    }

    pub(crate) fn repr(&self) -> Repr {
        Repr::of(self.width)
    }

    /// Beside an operator.
    pub(crate) fn operand(&self) -> TokenStream {
        let code = &self.code;
        if self.is_simple {
            code.clone()
        } else {
            quote!((#code))
        }
    }

    /// In front of a method, where its type must be known.
    pub(crate) fn receiver(&self) -> TokenStream {
        match &self.constant {
            Some(value) => literal(value, true),
            None => self.operand(),
        }
    }

    /// As a value of any width.
    pub(crate) fn as_bits(&self) -> TokenStream {
        let width = Literal::u32_unsuffixed(self.width);
        match (self.repr(), &self.constant) {
            (Repr::Wide, _) => self.code.clone(),
            (_, Some(value)) => constant_bits(value),
            (_, None) => {
                let code = &self.code;
                quote!(rt::bits(#width, #code))
            }
        }
    }

    /// The same number as another type, whatever bits are lost.
    fn cast(&self, to: Repr) -> TokenStream {
        let from = self.repr();
        let ty = to.ty();
        if let (Some(value), true) = (&self.constant, to.bits() > 0) {
            let value = Literal::u128_unsuffixed(value.resize(to.bits(), false).low_u128());
            return number(&value, Some(&ty));
        }
        let operand = self.operand();
        match (from, to) {
            _ if from == to => self.code.clone(),
            (Repr::Wide, _) => quote!(rt::narrow::<#ty>(&#operand)),
            (_, Repr::Wide) => self.as_bits(),
            (_, Repr::Bool) => quote!(#operand & 1 != 0),
            _ if from < to => {
                let code = &self.code;
                quote!(#ty::from(#code))
            }
            _ => quote!(#operand as #ty),
        }
    }

    /// As an integer of a type that has room for it, beside an operator.
    pub(crate) fn widened(&self, to: Repr) -> TokenStream {
        let cast = self.cast(to);
        if self.repr() == to {
            self.operand()
        } else {
            cast
        }
    }

    /// As an index or a length: one that does not fit is the largest.
    pub(crate) fn to_u64(&self) -> TokenStream {
        let operand = self.operand();
        match self.repr() {
            Repr::U64 => self.receiver(),
            Repr::U128 => quote!(u64::try_from(#operand).unwrap_or(u64::MAX)),
            Repr::Wide => quote!(#operand.to_u64().unwrap_or(u64::MAX)),
            _ => self.cast(Repr::U64),
        }
    }

    /// As the distance of a shift: one that does not fit is the largest.
    fn to_distance(&self) -> TokenStream {
        let operand = self.operand();
        match self.repr() {
            Repr::U32 => self.receiver(),
            Repr::U64 | Repr::U128 => quote!(u32::try_from(#operand).unwrap_or(u32::MAX)),
            Repr::Wide => {
                quote!(#operand.to_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(u32::MAX))
            }
            _ => self.cast(Repr::U32),
        }
    }

    /// The words of a key, the lowest first.
    pub(crate) fn to_words(&self) -> Vec<TokenStream> {
        match self.repr() {
            Repr::Bool | Repr::U8 | Repr::U16 | Repr::U32 => vec![self.cast(Repr::U64)],
            Repr::U64 => vec![self.code.clone()],
            Repr::U128 => {
                let operand = self.receiver();
                vec![quote!(#operand as u64), quote!((#operand >> 64) as u64)]
            }
            Repr::Wide => {
                let operand = self.operand();
                let positions = 0..self.width.div_ceil(64);
                let words = positions.map(|position| {
                    let position = Literal::u32_unsuffixed(position);
                    quote!(rt::word(&#operand, #position))
                });
                words.collect()
            }
        }
    }

    /// Bits `hi` down to `lo`.
    pub(crate) fn slice(&self, hi: u32, lo: u32) -> Self {
        let width = hi - lo + 1;
        if lo == 0 && width == self.width {
            return self.clone();
        }
        if let Some(value) = &self.constant {
            return Self::constant(&value.slice(hi, lo));
        }
        let operand = self.operand();
        if self.repr() == Repr::Wide {
            let (hi, lo) = (Literal::u32_unsuffixed(hi), Literal::u32_unsuffixed(lo));
            let sliced = Self::simple(width.max(129), quote!(#operand.slice(#hi, #lo)));
            return Self::simple(width, sliced.cast(Repr::of(width)));
        }
        let distance = Literal::u32_unsuffixed(lo);
        let shifted = if lo == 0 {
            operand
        } else {
            quote!((#operand >> #distance))
        };
        let is_top = hi + 1 >= self.width;
        if width == 1 {
            return match is_top {
                true => Self::new(1, quote!(#shifted != 0)),
                false => Self::new(1, quote!(#shifted & 1 != 0)),
            };
        }
        let to = Repr::of(width);
        let narrowed = if to == self.repr() {
            shifted
        } else {
            let ty = to.ty();
            quote!(#shifted as #ty)
        };
        if is_top || width == to.bits() {
            Self::new(width, narrowed)
        } else {
            let mask = mask(width);
            Self::new(width, quote!((#narrowed) & #mask))
        }
    }

    /// Cut or extended.
    pub(crate) fn resize(&self, width: u32, is_signed: bool) -> Self {
        if width == self.width {
            return self.clone();
        }
        if let Some(value) = &self.constant {
            return Self::constant(&value.resize(width, is_signed));
        }
        if width < self.width {
            return self.slice(width - 1, 0);
        }
        let (from, to) = (self.repr(), Repr::of(width));
        if to == Repr::Wide {
            let (bits, width_token) = (self.as_bits(), Literal::u32_unsuffixed(width));
            return Self::simple(width, quote!(#bits.resize(#width_token, #is_signed)));
        }
        if !is_signed {
            return match from == to {
                true => Self {
                    width,
                    ..self.clone()
                },
                false => Self::simple(width, self.cast(to)),
            };
        }
        if from == Repr::Bool {
            let (code, ones, zero) = (
                &self.code,
                Self::constant(&Bits::ones(width)).code,
                Self::constant(&Bits::zero(width)).code,
            );
            return Self::new(width, quote!(if #code { #ones } else { #zero }));
        }
        let widened = Self::simple(to.bits(), self.widened(to));
        let widened = widened.operand();
        let distance = Literal::u32_unsuffixed(to.bits() - self.width);
        let extended = quote!(((#widened << #distance).cast_signed() >> #distance).cast_unsigned());
        Self::simple(to.bits(), extended).cut(width)
    }

    /// An integer whose bits above a width may be anything, as a value of that width.
    fn cut(&self, width: u32) -> Self {
        if self.repr().bits() == width {
            return Self {
                width,
                ..self.clone()
            };
        }
        let (operand, mask) = (self.operand(), mask(width));
        Self::new(width, quote!(#operand & #mask))
    }

    pub(crate) fn unary(op: UnaryOp, arg: &Self) -> Self {
        if let Some(value) = &arg.constant {
            return Self::constant(&Bits::unary(op, value));
        }
        let (width, operand) = (arg.width, arg.operand());
        match (op, arg.repr()) {
            (UnaryOp::Not, Repr::Bool) => Self::simple(1, quote!(!#operand)),
            (UnaryOp::Neg, Repr::Bool) => arg.clone(),
            (UnaryOp::Not, Repr::Wide) => Self::simple(
                width,
                quote!(engine::ir::Bits::unary(engine::ir::UnaryOp::Not, &#operand)),
            ),
            (UnaryOp::Neg, Repr::Wide) => Self::simple(
                width,
                quote!(engine::ir::Bits::unary(engine::ir::UnaryOp::Neg, &#operand)),
            ),
            (UnaryOp::Not, repr) if repr.bits() == width => Self::new(width, quote!(!#operand)),
            (UnaryOp::Not, _) => {
                let mask = mask(width);
                Self::new(width, quote!(#operand ^ #mask))
            }
            (UnaryOp::Neg, repr) => {
                Self::simple(repr.bits(), quote!(#operand.wrapping_neg())).cut(width)
            }
        }
    }

    pub(crate) fn binary(op: BinaryOp, lhs: &Self, rhs: &Self) -> Self {
        if let (Some(left), Some(right)) = (&lhs.constant, &rhs.constant) {
            return Self::constant(&Bits::binary(op, left, right));
        }
        match op {
            BinaryOp::Concat => lhs.concat(rhs),
            BinaryOp::Shl | BinaryOp::ShrU | BinaryOp::ShrS => lhs.shift(op, rhs),
            _ if lhs.width != rhs.width => Self::binary(op, lhs, &rhs.resize(lhs.width, false)),
            _ if lhs.repr() == Repr::Wide => {
                let (operator, left, right) = (operator(op), lhs.as_bits(), rhs.as_bits());
                let both = quote!(engine::ir::Bits::binary(#operator, &#left, &#right));
                if op.is_comparison() {
                    Self::simple(1, quote!(#both.is_true()))
                } else {
                    Self::simple(lhs.width, both)
                }
            }
            _ if lhs.repr() == Repr::Bool => Self::binary_bool(op, lhs, rhs),
            _ => Self::binary_integer(op, lhs, rhs),
        }
    }

    fn binary_bool(op: BinaryOp, lhs: &Self, rhs: &Self) -> Self {
        let (a, b) = (lhs.operand(), rhs.operand());
        let code = match op {
            BinaryOp::Eq | BinaryOp::Ne => {
                for (one, other) in [(lhs, rhs), (rhs, lhs)] {
                    if let Some(value) = &other.constant {
                        return match value.is_true() == (op == BinaryOp::Eq) {
                            true => one.clone(),
                            false => Self::unary(UnaryOp::Not, one),
                        };
                    }
                }
                match op == BinaryOp::Eq {
                    true => quote!(#a == #b),
                    false => quote!(#a != #b),
                }
            }
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Xor => quote!(#a ^ #b),
            BinaryOp::Mul | BinaryOp::And => quote!(#a & #b),
            BinaryOp::Or | BinaryOp::AddSatU => quote!(#a | #b),
            BinaryOp::DivU => quote!(!#b | #a),
            BinaryOp::RemU | BinaryOp::SubSatU | BinaryOp::LtS => quote!(#a & !#b),
            BinaryOp::LtU => quote!(!#a & #b),
            BinaryOp::LeU => quote!(!#a | #b),
            BinaryOp::LeS => quote!(#a | !#b),
            BinaryOp::AddSatS => return Self::simple(1, quote!(rt::add_sat_s(1, #a, #b))),
            BinaryOp::SubSatS => return Self::simple(1, quote!(rt::sub_sat_s(1, #a, #b))),
            BinaryOp::Shl | BinaryOp::ShrU | BinaryOp::ShrS | BinaryOp::Concat => {
                unreachable!("have been dealt with")
            }
        };
        Self::new(1, code)
    }

    fn binary_integer(op: BinaryOp, lhs: &Self, rhs: &Self) -> Self {
        let (width, repr) = (lhs.width, lhs.repr());
        let (a, b, from) = (lhs.operand(), rhs.operand(), lhs.receiver());
        let b_alone = &rhs.code;
        let is_full = repr.bits() == width;
        let wrapping = |code| Self::simple(repr.bits(), code).cut(width);
        let same = |code| Self::new(width, code);
        let bit = |code| Self::new(1, code);
        let token = Literal::u32_unsuffixed(width);
        match op {
            BinaryOp::Add => wrapping(quote!(#from.wrapping_add(#b_alone))),
            BinaryOp::Sub => wrapping(quote!(#from.wrapping_sub(#b_alone))),
            BinaryOp::Mul => wrapping(quote!(#from.wrapping_mul(#b_alone))),
            BinaryOp::DivU => {
                let ones = mask(width);
                Self::simple(width, quote!(#from.checked_div(#b_alone).unwrap_or(#ones)))
            }
            BinaryOp::RemU => {
                Self::simple(width, quote!(#from.checked_rem(#b_alone).unwrap_or(#a)))
            }
            BinaryOp::AddSatU if is_full => {
                Self::simple(width, quote!(#from.saturating_add(#b_alone)))
            }
            BinaryOp::AddSatU => {
                let ones = mask(width);
                Self::simple(width, quote!((#a + #b).min(#ones)))
            }
            BinaryOp::SubSatU => Self::simple(width, quote!(#from.saturating_sub(#b_alone))),
            BinaryOp::AddSatS => {
                let ty = repr.ty();
                Self::simple(width, quote!(rt::add_sat_s::<#ty>(#token, #a, #b)))
            }
            BinaryOp::SubSatS => {
                let ty = repr.ty();
                Self::simple(width, quote!(rt::sub_sat_s::<#ty>(#token, #a, #b)))
            }
            BinaryOp::And => same(quote!(#a & #b)),
            BinaryOp::Or => same(quote!(#a | #b)),
            BinaryOp::Xor => same(quote!(#a ^ #b)),
            BinaryOp::Eq => bit(quote!(#a == #b)),
            BinaryOp::Ne => bit(quote!(#a != #b)),
            BinaryOp::LtU => bit(quote!(#a < #b)),
            BinaryOp::LeU => bit(quote!(#a <= #b)),
            BinaryOp::LtS => {
                let (a, b) = (lhs.aligned_signed(), rhs.aligned_signed());
                bit(quote!(#a < #b))
            }
            BinaryOp::LeS => {
                let (a, b) = (lhs.aligned_signed(), rhs.aligned_signed());
                bit(quote!(#a <= #b))
            }
            BinaryOp::Shl | BinaryOp::ShrU | BinaryOp::ShrS | BinaryOp::Concat => {
                unreachable!("have been dealt with")
            }
        }
    }

    /// A signed integer in the same order: the value in its highest bits.
    fn aligned_signed(&self) -> TokenStream {
        let from = self.receiver();
        match self.repr().bits() - self.width {
            0 => quote!(#from.cast_signed()),
            distance => {
                let distance = Literal::u32_unsuffixed(distance);
                quote!((#from << #distance).cast_signed())
            }
        }
    }

    fn shift(&self, op: BinaryOp, by: &Self) -> Self {
        let (width, repr) = (self.width, self.repr());
        if let Some(amount) = &by.constant {
            let amount = amount.to_u64().filter(|amount| *amount < u64::from(width));
            match amount {
                Some(0) => return self.clone(),
                None if op != BinaryOp::ShrS => return Self::constant(&Bits::zero(width)),
                Some(_) | None => {}
            }
        }
        if repr == Repr::Wide {
            let (operator, left, right) = (operator(op), self.as_bits(), by.as_bits());
            return Self::simple(
                width,
                quote!(engine::ir::Bits::binary(#operator, &#left, &#right)),
            );
        }
        if repr == Repr::Bool {
            let operand = self.operand();
            return match op {
                BinaryOp::ShrS => self.clone(),
                _ => {
                    let distance = by.to_u64();
                    Self::new(1, quote!(#operand & (#distance == 0)))
                }
            };
        }
        let known = by.constant.as_ref().and_then(Bits::to_u64);
        let known = known.and_then(|amount| u32::try_from(amount).ok());
        let known = known.filter(|amount| *amount < width);
        let (operand, from) = (self.operand(), self.receiver());
        let spare = Literal::u32_unsuffixed(repr.bits() - width);
        match (op, known) {
            (BinaryOp::Shl, Some(amount)) => {
                let amount = Literal::u32_unsuffixed(amount);
                Self::new(repr.bits(), quote!(#operand << #amount)).cut(width)
            }
            (BinaryOp::ShrU, Some(amount)) => {
                let amount = Literal::u32_unsuffixed(amount);
                Self::new(width, quote!(#operand >> #amount))
            }
            (BinaryOp::Shl, None) => {
                let amount = by.to_distance();
                let shifted = quote!(#from.checked_shl(#amount).unwrap_or(0));
                Self::simple(repr.bits(), shifted).cut(width)
            }
            (BinaryOp::ShrU, None) => {
                let amount = by.to_distance();
                Self::simple(width, quote!(#from.checked_shr(#amount).unwrap_or(0)))
            }
            (_, known) => {
                let most = Literal::u32_unsuffixed(width - 1);
                let amount = match known {
                    Some(amount) => {
                        let amount = Literal::u32_unsuffixed(amount);
                        quote!(#amount)
                    }
                    None => {
                        let amount = by.to_distance();
                        quote!(#amount.min(#most))
                    }
                };
                let extended = quote!(((#from << #spare).cast_signed() >> #spare));
                let shifted = quote!((#extended >> #amount).cast_unsigned());
                Self::simple(repr.bits(), shifted).cut(width)
            }
        }
    }

    fn concat(&self, low: &Self) -> Self {
        let width = self.width + low.width;
        if self.width == 0 {
            return low.clone();
        }
        if low.width == 0 {
            return self.clone();
        }
        let to = Repr::of(width);
        if to == Repr::Wide {
            let (high, low) = (self.as_bits(), low.as_bits());
            return Self::simple(width, quote!(#high.concat(&#low)));
        }
        if self.constant.as_ref().is_some_and(Bits::is_zero) {
            return low.resize(width, false);
        }
        let distance = Literal::u32_unsuffixed(low.width);
        let high = self.widened(to);
        if low.constant.as_ref().is_some_and(Bits::is_zero) {
            return Self::new(width, quote!(#high << #distance));
        }
        let low = low.widened(to);
        Self::new(width, quote!((#high << #distance) | #low))
    }

    /// One value or another.
    pub(crate) fn mux(cond: &Self, then: &Self, otherwise: &Self) -> Self {
        if let Some(value) = &cond.constant {
            return if value.is_true() { then } else { otherwise }.clone();
        }
        let cond = &cond.code;
        // At least one of both says what type they have.
        let (then_code, else_code) = match (&then.constant, &otherwise.constant) {
            (Some(value), Some(_)) if then.repr().bits() > 0 => {
                (literal(value, true), otherwise.code.clone())
            }
            _ => (then.code.clone(), otherwise.code.clone()),
        };
        Self::new(
            then.width,
            quote!(if #cond { #then_code } else { #else_code }),
        )
    }

    /// This value with bits `hi` down to `lo` replaced.
    pub(crate) fn with_slice(&self, hi: u32, lo: u32, value: &Self) -> Self {
        if lo == 0 && hi + 1 == self.width {
            return value.clone();
        }
        let operand = self.operand();
        let distance = Literal::u32_unsuffixed(lo);
        match self.repr() {
            Repr::Bool => value.clone(),
            Repr::Wide => {
                let (hi, value) = (Literal::u32_unsuffixed(hi), value.as_bits());
                Self::simple(
                    self.width,
                    quote!(#operand.with_slice(#hi, #distance, &#value)),
                )
            }
            repr => {
                let hole = Bits::ones(self.width).with_slice(hi, lo, &Bits::zero(hi - lo + 1));
                let hole = literal(&hole, false);
                let value = value.widened(repr);
                match lo {
                    0 => Self::new(self.width, quote!((#operand & #hole) | #value)),
                    _ => Self::new(
                        self.width,
                        quote!((#operand & #hole) | (#value << #distance)),
                    ),
                }
            }
        }
    }
}

/// A constant as text.
pub(crate) fn literal(value: &Bits, is_typed: bool) -> TokenStream {
    match Repr::of(value.width()) {
        Repr::Bool => match value.is_true() {
            true => quote!(true),
            false => quote!(false),
        },
        Repr::Wide => constant_bits(value),
        repr => {
            let number_of = Literal::u128_unsuffixed(value.low_u128());
            number(&number_of, is_typed.then(|| repr.ty()).as_ref())
        }
    }
}

/// A number, in hexadecimal where it has more than one digit.
fn number(value: &Literal, ty: Option<&TokenStream>) -> TokenStream {
    let decimal = value.to_string();
    let ty = ty.map_or_else(String::new, ToString::to_string);
    let text = match decimal.parse::<u128>() {
        Ok(value) if value > 9 => format!("{value:#x}{ty}"),
        Ok(_) | Err(_) => format!("{decimal}{ty}"),
    };
    text.parse().expect("a number is a token")
}

/// A constant as a value of any width.
pub(crate) fn constant_bits(value: &Bits) -> TokenStream {
    let width = Literal::u32_unsuffixed(value.width());
    if value.width() <= 64 {
        let low = number(&Literal::u64_unsuffixed(value.low_u64()), None);
        return quote!(engine::ir::Bits::from_u64(#width, #low));
    }
    let words = (0..value.width()).step_by(64).rev().map(|lo| {
        let word = value.slice(lo + 63, lo).low_u64();
        number(&Literal::u64_unsuffixed(word), None)
    });
    quote!(rt::declare::wide(#width, &[#(#words),*]))
}

/// The lowest `width` bits.
fn mask(width: u32) -> TokenStream {
    literal(&Bits::ones(width), false)
}

fn operator(op: BinaryOp) -> TokenStream {
    let name = proc_macro2::Ident::new(&format!("{op:?}"), proc_macro2::Span::call_site());
    quote!(engine::ir::BinaryOp::#name)
}
