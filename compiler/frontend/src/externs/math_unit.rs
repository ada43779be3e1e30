//! Math units of stateful ALUs: from constructor arguments to the table of sixteen values.

/// What a math unit computes, before it is scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Function {
    /// Whether the exponent counts downwards: 1/x and its kin.
    pub(crate) is_inverted: bool,
    /// 1 for squares, 0 for x itself, -1 for square roots.
    pub(crate) shift: i8,
}

/// Scale and table of a math unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    /// Added to the exponent of the result.
    pub(crate) scale: i8,
    /// The values, by the four highest bits of the normalised input.
    pub(crate) values: [u8; 16],
}

impl Function {
    /// The function of a member of `MathOp_t`.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let (is_inverted, shift) = match name {
            "MUL" => (false, 0),
            "SQR" => (false, 1),
            "SQRT" => (false, -1),
            "DIV" => (true, 0),
            "RSQR" => (true, 1),
            "RSQRT" => (true, -1),
            _ => return None,
        };
        Some(Self { is_inverted, shift })
    }

    /// Its value.
    fn at(self, x: f64) -> f64 {
        let power = match self.shift {
            0 => x,
            1 => x * x,
            _ => x.sqrt(),
        };
        if self.is_inverted { 1.0 / power } else { power }
    }

    /// The table of `factor` times this function, with the largest scale at which every value is
    /// below 256. Inputs are normalised to 8/8 … 15/8; of square roots, whose exponent must be even,
    /// to 4/8 … 15/8.
    pub(crate) fn table(self, factor: f64) -> Table {
        let first = if self.shift >= 0 { 8 } else { 4 };
        let value = |position: u8| self.at(f64::from(position) / 8.0);
        let greatest = (first..16).map(value).fold(0.0, f64::max) * factor;
        let scale = if greatest > 0.0 {
            (greatest.log2().floor() - 7.0).clamp(-32.0, 31.0)
        } else {
            0.0
        };
        let mut values = [0; 16];
        for position in first..16 {
            let scaled = value(position) * factor * (-scale).exp2();
            values[usize::from(position)] = scaled.round_ties_even().clamp(0.0, 255.0) as u8;
        }
        Table {
            scale: scale as i8,
            values,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Function;

    #[test]
    fn halving_keeps_the_highest_four_bits() {
        let table = Function::of("MUL").expect("an operation").table(0.5);
        assert_eq!(table.scale, -8);
        assert_eq!(table.values[8..], [128, 144, 160, 176, 192, 208, 224, 240]);
    }

    #[test]
    fn roots_use_twelve_values() {
        let table = Function::of("SQRT").expect("an operation").table(1.0);
        assert_eq!(table.scale, -7);
        assert_eq!(table.values[3], 0);
        assert_eq!(table.values[4], 91);
        assert_eq!(table.values[8], 128);
    }
}
