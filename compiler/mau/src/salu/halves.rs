//! How an element lies in the halves of the unit, and what that makes of expressions that read it.

use p4rmt_ir::salu::{ElementLayout, Half, LayoutKind};
use p4rmt_ir::{BinaryOp, Expr, Id, LocalId, Register, RegisterAction};

use crate::target::SaluLimits;

/// The layout of a register's elements, if the unit has one for them. Elements of one bit lie in the
/// lower half.
pub(super) fn layout_of(register: &Register, salu: &SaluLimits) -> Option<ElementLayout> {
    let widths: Vec<u32> = register.element.iter().map(|value| value.width).collect();
    let half_max = salu.pair_bits.iter().copied().max().unwrap_or(0);
    let (kind, half_bits) = match widths[..] {
        [width] if !salu.element_bits.contains(&width) => return None,
        [width] if width > half_max && width % 2 == 0 => (LayoutKind::Split, width / 2),
        [width] => (LayoutKind::Single, width),
        [lo, hi] if lo == hi && salu.pair_bits.contains(&lo) => (LayoutKind::Pair, lo),
        _ => return None,
    };
    (half_bits <= 64).then_some(ElementLayout { half_bits, kind })
}

/// The halves as variables of a register action.
#[derive(Clone, Copy, Debug)]
pub(super) struct Halves {
    pub(super) layout: ElementLayout,
    /// The variable that holds the whole, and those that stand for the halves.
    whole: LocalId,
    of: [LocalId; 2],
}

impl Halves {
    /// A register action that sees several elements at once has none in the halves.
    pub(super) fn new(
        layout: ElementLayout,
        action: &RegisterAction,
        register: &Register,
    ) -> Option<Self> {
        let whole = *action.memory.first()?;
        // Variables that the action does not have.
        let made = |more| LocalId::from_index(action.locals.len() + more);
        if action.n_elements(register) > 1 {
            let (whole, of) = (made(2), [made(0), made(1)]);
            return Some(Self { layout, whole, of });
        }
        let of = match layout.kind {
            LayoutKind::Single => [whole, made(0)],
            LayoutKind::Pair => [whole, *action.memory.get(1)?],
            LayoutKind::Split => [made(0), made(1)],
        };
        Some(Self { layout, whole, of })
    }

    /// The old value of a half.
    pub(super) fn old(&self, half: Half) -> Expr {
        Expr::Local {
            local: self.of[half.index()],
            width: self.layout.half_bits,
        }
    }

    /// The half that an expression is the old value of.
    pub(super) fn half_of(&self, expr: &Expr) -> Option<Half> {
        let Expr::Local { local, .. } = expr else {
            return None;
        };
        match self.layout.kind {
            LayoutKind::Single => (*local == self.of[0]).then_some(Half::Lo),
            LayoutKind::Pair | LayoutKind::Split => [Half::Lo, Half::Hi]
                .into_iter()
                .find(|half| *local == self.of[half.index()]),
        }
    }

    /// The expression over halves.
    pub(super) fn in_halves(&self, expr: Expr) -> Expr {
        match expr {
            Expr::Local { local, .. }
                if local == self.whole && self.layout.kind == LayoutKind::Split =>
            {
                Expr::binary(BinaryOp::Concat, self.old(Half::Hi), self.old(Half::Lo))
            }
            expr => expr.map_args(&mut |arg| self.in_halves(arg)),
        }
    }
}
