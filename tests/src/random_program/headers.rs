//! Header types, the parser, the deparser.

use super::values::{digits, literal};
use super::writer::{Header, Writer};

/// Widths of fields that an ALU of the machine can take as they are, and pairs that fill bytes.
const MACHINE_FIELDS: &[&[u32]] = &[&[8], &[16], &[32], &[4, 4], &[1, 7], &[3, 13], &[48]];

/// Any widths; what is missing to whole bytes is filled up.
const ANY_FIELDS: &[u32] = &[
    1, 2, 3, 5, 7, 8, 8, 9, 13, 16, 16, 24, 31, 32, 32, 33, 48, 63, 64, 65, 80, 127, 128, 136,
];

impl Writer {
    /// The types of all headers, and the structs of headers and metadata.
    pub(super) fn types(&mut self) {
        let n_headers = self.between(2, 4);
        for index in 0..n_headers {
            let header = self.header_type(format!("hdr.h{index}"), &format!("h{index}_t"));
            self.headers.push(header);
        }
        if self.is_v1model() && self.chance(40) {
            let header = self.header_type("hdr.s[0]".to_owned(), "s_t");
            self.stack = Some(header);
        }
        self.line("struct headers_t {");
        for index in 0..n_headers {
            self.line(format!("h{index}_t h{index};"));
        }
        if self.stack.is_some() {
            self.line("s_t[3] s;");
        }
        self.line("}");
    }

    fn header_type(&mut self, name: String, type_name: &str) -> Header {
        let mut widths = vec![8];
        for _ in 0..self.between(1, 4) {
            if self.is_v1model() {
                widths.push(self.pick(ANY_FIELDS));
            } else {
                widths.extend(self.pick(MACHINE_FIELDS));
            }
        }
        let spare = widths.iter().sum::<u32>() % 8;
        if spare > 0 {
            widths.push(8 - spare);
        }
        self.line(format!("header {type_name} {{"));
        let mut fields = Vec::new();
        for (index, width) in widths.into_iter().enumerate() {
            self.line(format!("bit<{width}> f{index};"));
            fields.push((format!("f{index}"), width));
        }
        self.line("}");
        Header { name, fields }
    }

    /// Brings all fields of all headers into scope, to be written to where `is_writable`.
    pub(super) fn bring_headers(&mut self, is_writable: bool) {
        let stack = self.stack.clone().into_iter().flat_map(|stack| {
            (0..3).map(move |index| Header {
                name: format!("hdr.s[{index}]"),
                fields: stack.fields.clone(),
            })
        });
        let headers: Vec<Header> = self.headers.iter().cloned().chain(stack).collect();
        for header in headers {
            for (field, width) in &header.fields {
                self.bring(format!("{}.{field}", header.name), *width, is_writable);
            }
        }
    }

    /// The states behind `start`, which has extracted nothing yet and is open: each header is extracted
    /// in a state of its own, and what a state has extracted says what follows.
    pub(super) fn states(&mut self) {
        let n_headers = self.headers.len();
        self.line("transition parse_h0;");
        self.line("}");
        for index in 0..n_headers {
            let header = self.headers[index].clone();
            self.line(format!("state parse_h{index} {{"));
            if self.is_v1model() && self.chance(15) {
                let width = self.pick(&[8, 16, 24, 40]);
                let into = self.place_of(width, true);
                if let Some(into) = into {
                    self.line(format!("{} = pkt.lookahead<bit<{width}>>();", into.name));
                }
            }
            if self.is_v1model() && self.chance(8) {
                let bits = 8 * self.between(0, 3);
                self.line(format!("pkt.advance({bits});"));
            }
            self.line(format!("pkt.extract({});", header.name));
            if self.is_v1model() {
                self.state_statements(&header);
            }
            let mut targets: Vec<String> = (index + 1..n_headers)
                .map(|later| format!("parse_h{later}"))
                .collect();
            if self.stack.is_some() {
                targets.push("parse_s".to_owned());
            }
            self.transition(&header, &targets);
            self.line("}");
        }
        if let Some(stack) = self.stack.clone() {
            let last = Header {
                name: "hdr.s.last".to_owned(),
                ..stack
            };
            self.line("state parse_s {");
            self.line("pkt.extract(hdr.s.next);");
            self.transition(&last, &["parse_s".to_owned()]);
            self.line("}");
        }
    }

    fn state_statements(&mut self, header: &Header) {
        if self.chance(40)
            && let Some(into) = self.any_place(true)
        {
            let value = self.expr(into.width, 2);
            self.line(format!("{} = {value};", into.name));
        }
        if self.chance(10) {
            let (field, width) = self.pick(&header.fields);
            let other = literal(&mut self.random, width);
            let error = self.pick(&["NoMatch", "HeaderTooShort", "Odd"]);
            self.line(format!(
                "verify({}.{field} != {other}, error.{error});",
                header.name
            ));
        }
    }

    fn transition(&mut self, header: &Header, targets: &[String]) {
        if targets.is_empty() || self.chance(10) {
            return self.line("transition accept;");
        }
        // The first field has eight bits.
        let second = header.fields.iter().skip(1).find(|(_, width)| *width <= 32);
        let second = second.filter(|_| self.random.below(3) == 0).cloned();
        match &second {
            None => self.line(format!("transition select({}.f0) {{", header.name)),
            Some((field, _)) => self.line(format!(
                "transition select({0}.f0, {0}.{field}) {{",
                header.name
            )),
        }
        for _ in 0..self.between(1, 3) {
            let target = self.pick(targets);
            let first = self.keyset(8);
            match &second {
                None => self.line(format!("{first}: {target};")),
                Some((_, width)) => {
                    let other = self.keyset(*width);
                    self.line(format!("({first}, {other}): {target};"));
                }
            }
        }
        if self.chance(85) {
            let mut last = targets.to_vec();
            last.extend(["accept".to_owned(), "accept".to_owned()]);
            if self.is_v1model() {
                last.push("reject".to_owned());
            }
            let target = self.pick(&last);
            self.line(format!("default: {target};"));
        }
        self.line("}");
    }

    fn keyset(&mut self, width: u32) -> String {
        let value = format!("0x{}", digits(&mut self.random, width));
        match self.random.below(6) {
            0 => format!("{value} &&& 0x{}", digits(&mut self.random, width)),
            1 if self.is_v1model() => {
                let mut bounds = [value, format!("0x{}", digits(&mut self.random, width))];
                bounds.sort();
                format!("{} .. {}", bounds[0], bounds[1])
            }
            2 => "_".to_owned(),
            _ => value,
        }
    }

    /// What a deparser emits.
    pub(super) fn emits(&mut self) {
        if self.chance(50) {
            return self.line("pkt.emit(hdr);");
        }
        let headers = self.headers.clone();
        for header in headers {
            self.line(format!("pkt.emit({});", header.name));
        }
        if self.stack.is_some() {
            self.line("pkt.emit(hdr.s);");
        }
    }
}
