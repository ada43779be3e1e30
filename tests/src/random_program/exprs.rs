//! Expressions and conditions of a width.
//!
//! For v1model they nest; a machine of stages computes one thing at a time, so that for Tofino an
//! expression is an operator on two leaves of a container's width.

use super::values::literal;
use super::writer::{Place, Writer};

impl Writer {
    /// An expression of type `bit<width>`.
    pub(super) fn expr(&mut self, width: u32, depth: u32) -> String {
        if self.is_v1model() {
            self.deep_expr(width, depth)
        } else {
            self.flat_expr(width)
        }
    }

    /// A name or literal of a width, if need be by a slice or cast.
    pub(super) fn leaf(&mut self, width: u32) -> String {
        if self.chance(75) {
            if let Some(place) = self.place_of(width, false) {
                return place.name;
            }
            if self.is_v1model()
                && let Some(place) = self.any_place(false)
            {
                return match place.width.cmp(&width) {
                    std::cmp::Ordering::Greater => self.slice(&place, width),
                    std::cmp::Ordering::Equal => place.name,
                    std::cmp::Ordering::Less => format!("(bit<{width}>){}", place.name),
                };
            }
        }
        literal(&mut self.random, width)
    }

    /// Some bits of a place.
    pub(super) fn slice(&mut self, place: &Place, width: u32) -> String {
        let low = self.random.below((place.width - width) as usize + 1) as u32;
        format!("{}[{}:{low}]", place.name, low + width - 1)
    }

    fn flat_expr(&mut self, width: u32) -> String {
        let is_container = matches!(width, 8 | 16 | 32);
        if !is_container || self.chance(30) {
            return self.leaf(width);
        }
        let (left, right) = (self.flat_leaf(width), self.flat_leaf(width));
        match self.random.below(10) {
            0 => format!("~{left}"),
            1 => {
                let by = self.random.below(width as usize);
                let direction = self.pick(&["<<", ">>"]);
                format!("{left} {direction} {by}")
            }
            _ => {
                let op = self.pick(&["+", "-", "&", "|", "^", "|+|", "|-|"]);
                format!("{left} {op} {right}")
            }
        }
    }

    /// A name of this very width if there is one: nothing that would take another step.
    fn flat_leaf(&mut self, width: u32) -> String {
        match self.place_of(width, false) {
            Some(place) if self.chance(75) => place.name,
            _ => literal(&mut self.random, width),
        }
    }

    fn deep_expr(&mut self, width: u32, depth: u32) -> String {
        if depth == 0 {
            return self.leaf(width);
        }
        let depth = depth - 1;
        match self.random.below(16) {
            0..=4 => {
                let op = self.pick(&["+", "-", "*", "&", "|", "^", "|+|", "|-|"]);
                let (left, right) = (self.deep_expr(width, depth), self.deep_expr(width, depth));
                format!("({left} {op} {right})")
            }
            5 => {
                let op = self.pick(&["~", "-"]);
                let operand = self.deep_expr(width, depth);
                format!("({op}{operand})")
            }
            6 => {
                let op = self.pick(&["<<", ">>"]);
                let (left, right) = (self.deep_expr(width, depth), self.deep_expr(8, depth));
                format!("({left} {op} {right})")
            }
            7 => {
                let (operand, by) = (self.deep_expr(width, depth), self.random.below(140));
                format!("((bit<{width}>)((int<{width}>){operand} >> {by}))")
            }
            8 => {
                let op = self.pick(&["+", "-", "*", "|+|", "|-|"]);
                let (left, right) = (self.deep_expr(width, depth), self.deep_expr(width, depth));
                format!("((bit<{width}>)((int<{width}>){left} {op} (int<{width}>){right}))")
            }
            9 if width > 1 => {
                let low = 1 + self.random.below(width as usize - 1) as u32;
                let (high, low) = (
                    self.deep_expr(width - low, depth),
                    self.deep_expr(low, depth),
                );
                format!("({high} ++ {low})")
            }
            10 => {
                let (condition, yes) = (self.condition(depth), self.deep_expr(width, depth));
                let no = self.deep_expr(width, depth);
                format!("({condition} ? {yes} : {no})")
            }
            11 => {
                let from = self.pick(&[1, 8, 16, 24, 33, 64, 72]);
                let operand = self.deep_expr(from, depth);
                format!("((bit<{width}>){operand})")
            }
            12 => {
                // Extended by its sign, or cut.
                let from = self.pick(&[4, 8, 32, 65]);
                let operand = self.deep_expr(from, depth);
                format!("((bit<{width}>)(int<{width}>)(int<{from}>){operand})")
            }
            13 => self.call(width, depth),
            _ => self.leaf(width),
        }
    }

    /// A call of a function, cut or extended to the width.
    fn call(&mut self, width: u32, depth: u32) -> String {
        if self.functions.is_empty() {
            return self.leaf(width);
        }
        let functions = self.functions.clone();
        let function = self.pick(&functions);
        let Some(changed) = self.place_of(function.changes, true) else {
            return self.leaf(width);
        };
        let taken = self.deep_expr(function.takes, depth);
        let call = format!("{}({taken}, {})", function.name, changed.name);
        if function.result == width {
            return call;
        }
        format!("((bit<{width}>){call})")
    }

    /// A condition.
    pub(super) fn condition(&mut self, depth: u32) -> String {
        if self.is_v1model() {
            self.deep_condition(depth)
        } else {
            self.flat_condition()
        }
    }

    /// What a gateway can compare.
    fn flat_condition(&mut self) -> String {
        if self.chance(25) {
            let headers = self.headers.clone();
            let header = self.pick(&headers);
            return format!("{}.isValid()", header.name);
        }
        let place = self.any_place(false).expect("there are fields");
        let op = self.pick(&["==", "!="]);
        let other = match self.place_of(place.width, false) {
            Some(other) if other.name != place.name && self.chance(30) => other.name,
            _ => literal(&mut self.random, place.width),
        };
        format!("{} {op} {other}", place.name)
    }

    fn deep_condition(&mut self, depth: u32) -> String {
        if depth == 0 || self.chance(15) {
            let mut names: Vec<String> = self
                .headers
                .iter()
                .map(|header| header.name.clone())
                .collect();
            if self.stack.is_some() {
                names.extend((0..3).map(|index| format!("hdr.s[{index}]")));
            }
            // A function sees no headers.
            if names.is_empty() {
                return format!("({} == {})", self.leaf(8), self.leaf(8));
            }
            return format!("{}.isValid()", self.pick(&names));
        }
        let depth = depth - 1;
        match self.random.below(10) {
            0 => format!("(!{})", self.deep_condition(depth)),
            1 | 2 => {
                let op = self.pick(&["&&", "||", "==", "!="]);
                let (left, right) = (self.deep_condition(depth), self.deep_condition(depth));
                format!("({left} {op} {right})")
            }
            shape => {
                let width = match self.any_place(false) {
                    Some(place) if self.chance(80) => place.width,
                    _ => self.pick(&[1, 5, 8, 32, 64, 70]),
                };
                let op = self.pick(&["==", "!=", "<", "<=", ">", ">="]);
                let (left, right) = (self.deep_expr(width, depth), self.deep_expr(width, depth));
                if shape < 5 {
                    return format!("((int<{width}>){left} {op} (int<{width}>){right})");
                }
                format!("({left} {op} {right})")
            }
        }
    }
}
