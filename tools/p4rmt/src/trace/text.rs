//! A trace as text: a heading a pass, a line a step, its place in the program at the right.

use super::explanation::{
    ActionText, EntryText, Explanation, FateTrace, KeyValue, PacketTrace, PassTrace, Section, Step,
    Value,
};
use p4rmt_mau::counted::counted;

/// The column where places begin.
const PLACE_COLUMN: usize = 84;

/// The column where what an entry wants begins, unless a key is longer.
const KEY_COLUMN: usize = 48;

/// Bytes a line of a packet.
const BYTES_A_LINE: usize = 32;

/// Lines of a packet that are shown.
const SHOWN_LINES: usize = 4;

/// The whole trace.
pub(crate) fn render(explanation: &Explanation) -> String {
    let mut text = Text::default();
    let how = match (&explanation.target, explanation.stages_used) {
        (Some(target), Some(stages)) => {
            format!("placed in {} of {target}", counted(stages, "stages"))
        }
        (_, _) => "without stages".to_owned(),
    };
    text.line(0, &format!("{}, {how}", explanation.program), None);
    for packet in &explanation.packets {
        text.packet(packet);
    }
    if let Some(grid) = &explanation.clock {
        text.blank();
        text.0 += &grid.render();
    }
    text.0.trim_end().to_owned()
}

/// Text that grows line by line.
#[derive(Default)]
struct Text(String);

impl Text {
    /// Appends a line; one that is too long is continued on others, further in.
    fn line(&mut self, indent: usize, line: &str, at: Option<&str>) {
        let mut rest = line;
        let mut margin = indent;
        let mut at = at;
        loop {
            let room = PLACE_COLUMN.saturating_sub(margin + 2).max(20);
            let (head, tail) = cut(rest, room);
            let shown = format!("{}{head}", " ".repeat(margin));
            match at.take() {
                Some(at) => {
                    let n_chars = shown.chars().count();
                    let gap = PLACE_COLUMN.saturating_sub(n_chars).max(2);
                    self.0 += &format!("{shown}{}{at}\n", " ".repeat(gap));
                }
                None => self.0 += &format!("{shown}\n"),
            }
            if tail.is_empty() {
                return;
            }
            rest = tail;
            margin = indent + 4;
        }
    }

    fn blank(&mut self) {
        self.0.push('\n');
    }

    fn packet(&mut self, packet: &PacketTrace) {
        self.blank();
        let heading = format!(
            "packet {}, {}: {} bytes on port {}",
            packet.packet,
            packet.from,
            packet.data.len() / 2,
            packet.port
        );
        self.line(0, &heading, None);
        self.bytes(2, &packet.data);
        self.fates(2, &packet.before);
        for pass in &packet.passes {
            let made: Vec<&PassTrace> = packet
                .passes
                .iter()
                .filter(|other| other.made_by == Some(pass.pass))
                .collect();
            self.pass(pass, &made);
        }
    }

    fn pass(&mut self, pass: &PassTrace, made: &[&PassTrace]) {
        self.blank();
        let whence = match (pass.entered_as, pass.rid) {
            ("arrived", _) => format!("arrived on port {}", pass.port),
            ("resubmitted" | "recirculated" | "parsed for a clone", _) => {
                pass.entered_as.to_owned()
            }
            (how, Some(rid)) => format!("{how} to port {}, rid {rid}", pass.port),
            (how, None) => format!("{how} to port {}", pass.port),
        };
        let from = match pass.made_by {
            Some(pass) => format!(" · of pass {pass}"),
            None => String::new(),
        };
        let heading = format!(
            "── pass {} · {} · {whence}{from} · clock {} · {} bytes ",
            pass.pass,
            pass.gress,
            pass.clock,
            pass.data.len() / 2,
        );
        let rule = PLACE_COLUMN.saturating_sub(heading.chars().count());
        self.0 += &format!("{heading}{}\n", "─".repeat(rule));
        let mut idle: Vec<&str> = Vec::new();
        for section in &pass.sections {
            if !is_shown(section) {
                idle.push(&section.name);
                continue;
            }
            self.idle(&mut idle);
            self.section(section);
        }
        self.idle(&mut idle);
        if let Some(deparsed) = &pass.deparsed {
            if *deparsed == pass.data {
                self.line(4, "the packet is as it came", None);
            } else {
                self.line(4, &format!("{} bytes:", deparsed.len() / 2), None);
                self.bytes(4, deparsed);
            }
        }
        if !pass.then.is_empty() {
            self.line(2, "then", None);
            self.fates(4, &pass.then);
        }
        let made: Vec<String> = made
            .iter()
            .map(|pass| format!("pass {} ({})", pass.pass, pass.gress))
            .collect();
        if !made.is_empty() {
            self.line(4, &format!("goes on in {}", made.join(", ")), None);
        }
    }

    /// Stages in which nothing was to do.
    fn idle(&mut self, stages: &mut Vec<&str>) {
        let line = match &stages[..] {
            [] => return,
            [stage] => format!("stage {stage}: nothing to do"),
            [first, .., last] => format!("stages {first} to {last}: nothing to do"),
        };
        stages.clear();
        self.line(2, &line, None);
    }

    fn section(&mut self, section: &Section) {
        self.line(2, &format!("{} {}", section.section, section.name), None);
        let mut emitted: Vec<&str> = Vec::new();
        for step in &section.steps {
            match step {
                // What a parser's state does stands below the state.
                Step::Write { .. } | Step::Condition { .. } | Step::Computed { .. }
                    if section.section == "parser" =>
                {
                    self.step(6, step);
                }
                Step::Emit { header } => emitted.push(header),
                step => {
                    self.emitted(&mut emitted);
                    self.step(4, step);
                }
            }
        }
        self.emitted(&mut emitted);
    }

    fn emitted(&mut self, headers: &mut Vec<&str>) {
        if !headers.is_empty() {
            self.line(4, &format!("emits {}", headers.join(", ")), None);
            headers.clear();
        }
    }

    fn step(&mut self, indent: usize, step: &Step) {
        match step {
            Step::State { name, at } => self.line(4, &format!("state {name}"), at.as_deref()),
            Step::Extract { header, fields, .. } => {
                let fields = fields.iter().map(|Value { name, value }| {
                    // A value in one piece, so that lines are cut between fields.
                    format!("{name}={}", value.replace(' ', "\u{a0}"))
                });
                let fields: Vec<String> = fields.collect();
                let line = format!("extracts {header}: {}", fields.join("  "));
                self.line(6, &line, None);
            }
            Step::Transition { select, to, at } => {
                let by = match &select[..] {
                    [] => String::new(),
                    values => format!("  ({})", pairs(values, " = ")),
                };
                self.line(6, &format!("→ {to}{by}"), at.as_deref());
            }
            Step::ParserError { error, at } => {
                self.line(6, &format!("✗ error.{error}"), at.as_deref());
            }
            Step::Condition {
                text,
                holds,
                values,
                at,
            } => {
                let values = match &values[..] {
                    [] => String::new(),
                    values => format!("  ({})", pairs(values, " = ")),
                };
                let line = format!("if ({text}) → {holds}{values}");
                self.line(indent, &line, at.as_deref());
            }
            Step::Table {
                name,
                key,
                result,
                entry,
                action,
                at,
                is_declared: true,
            } => self.table(name, key, result, entry.as_ref(), action.as_ref(), at),
            Step::Table { .. } | Step::Emit { .. } => {}
            Step::Write {
                field,
                before,
                after,
                at,
            } if before != after => {
                self.line(
                    indent,
                    &format!("{field}: {before} → {after}"),
                    at.as_deref(),
                );
            }
            Step::Write { .. } => {}
            Step::Register {
                name,
                index,
                action,
                conditions,
                before,
                after,
                at,
            } => {
                let by = action
                    .as_ref()
                    .map_or_else(String::new, |action| format!(" by {action}"));
                let change = if values_of(before) == values_of(after) {
                    format!("{} (unchanged)", element(before))
                } else {
                    format!("{} → {}", element(before), element(after))
                };
                let line = format!("register {name}[{index}]{by}: {change}");
                self.line(4, &line, at.as_deref());
                for branch in conditions {
                    let line = format!("if ({}) → {}", branch.text, branch.holds);
                    self.line(6, &line, branch.at.as_deref());
                }
            }
            Step::Counter { name, index, at } => {
                self.line(4, &format!("counter {name}[{index}] counts"), at.as_deref());
            }
            Step::Computed {
                unit,
                name,
                value,
                at,
            } => self.line(
                indent,
                &format!("{unit} {name} gives {value}"),
                at.as_deref(),
            ),
            Step::Request { what, detail, at } => {
                self.line(4, &format!("asks for a {what}: {detail}"), at.as_deref());
            }
        }
    }

    fn table(
        &mut self,
        name: &str,
        key: &[KeyValue],
        result: &str,
        entry: Option<&EntryText>,
        action: Option<&ActionText>,
        at: &Option<String>,
    ) {
        self.line(4, &format!("table {name}"), at.as_deref());
        // Each key beside what the entry that hit wants of it, in columns.
        let keys: Vec<String> = key
            .iter()
            .map(|KeyValue { name, value, kind }| format!("{name} : {kind} = {value}"))
            .collect();
        let longest = keys.iter().map(|key| key.chars().count()).max();
        let width = longest.unwrap_or_default().min(KEY_COLUMN);
        for (at, key) in keys.iter().enumerate() {
            match entry.and_then(|entry| entry.matches.get(at)) {
                Some(wanted) => self.line(6, &format!("{key:<width$}  ∈ {}", wanted.value), None),
                None => self.line(6, key, None),
            }
        }
        if let Some(entry) = entry {
            let priority = entry
                .priority
                .map_or_else(String::new, |priority| format!(", priority {priority}"));
            let through = entry.leads_to.as_ref();
            let through = through.map_or_else(String::new, |member| format!(", {member}"));
            let line = format!("hit: entry {}{priority}{through}", entry.slot);
            self.line(6, &line, entry.at.as_deref());
        } else if result == "miss" {
            self.line(6, "miss", None);
        }
        match action {
            Some(action) => {
                let data = super::names::call_text(&action.name, &action.data);
                self.line(6, &format!("→ {data}"), action.at.as_deref());
            }
            None => self.line(6, "→ nothing: the group is empty", None),
        }
    }

    fn fates(&mut self, indent: usize, fates: &[FateTrace]) {
        for fate in fates {
            let mark = if fate.is_drop { "✗ " } else { "" };
            self.line(indent, &format!("{mark}{}", fate.event), fate.at.as_deref());
        }
    }

    /// A packet in hexadecimal digits, a few lines of it.
    fn bytes(&mut self, indent: usize, digits: &str) {
        let margin = " ".repeat(indent);
        let lines: Vec<&[u8]> = digits.as_bytes().chunks(BYTES_A_LINE * 2).collect();
        for (at, line) in lines.iter().enumerate().take(SHOWN_LINES) {
            let words: Vec<String> = line
                .chunks(4)
                .map(|word| String::from_utf8_lossy(word).into_owned())
                .collect();
            let offset = at * BYTES_A_LINE;
            self.0 += &format!("{margin}{offset:04x}  {}\n", words.join(" "));
        }
        let n_shown = SHOWN_LINES * BYTES_A_LINE;
        if let Some(n_more) = (digits.len() / 2).checked_sub(n_shown + 1) {
            self.0 += &format!("{margin}      … {} more bytes\n", n_more + 1);
        }
    }
}

/// Whether a section has anything to show.
fn is_shown(section: &Section) -> bool {
    section.section != "stage"
        || section.steps.iter().any(|step| match step {
            Step::Write { before, after, .. } => before != after,
            Step::Table { is_declared, .. } => *is_declared,
            Step::State { .. }
            | Step::Extract { .. }
            | Step::Transition { .. }
            | Step::ParserError { .. }
            | Step::Condition { .. }
            | Step::Register { .. }
            | Step::Counter { .. }
            | Step::Computed { .. }
            | Step::Emit { .. }
            | Step::Request { .. } => true,
        })
}

/// `a = 1, b = 2`.
fn pairs(values: &[Value], between: &str) -> String {
    let pairs: Vec<String> = values
        .iter()
        .map(|Value { name, value }| format!("{name}{between}{value}"))
        .collect();
    pairs.join(", ")
}

fn values_of(element: &[Value]) -> Vec<&str> {
    element.iter().map(|value| &*value.value).collect()
}

/// An element of a register.
fn element(values: &[Value]) -> String {
    match values {
        [Value { name, value }] if name.is_empty() => value.clone(),
        values => format!("{{{}}}", pairs(values, " = ")),
    }
}

/// The part of a line that has room, and the rest; cut at a space if there is one.
fn cut(line: &str, room: usize) -> (&str, &str) {
    let Some((end, _)) = line.char_indices().nth(room) else {
        return (line, "");
    };
    match line[..end].rfind(' ').filter(|at| *at > room / 3) {
        Some(at) => (line[..at].trim_end(), line[at..].trim_start()),
        None => line.split_at(end),
    }
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn long_lines_are_cut_at_spaces() {
        assert_eq!(cut("one two", 9), ("one two", ""));
        assert_eq!(cut("one two three", 9), ("one two", "three"));
        assert_eq!(cut("onetwothree", 4), ("onet", "wothree"));
        assert_eq!(cut("→→→→→", 2), ("→→", "→→→"));
    }
}
