//! What a run found, as data and as text.

use p4rmt_ir::Bits;
use p4rmt_pipeline::{DeviceCounters, FateEvent};
use p4rmt_source::Span;

use crate::error::StatementError;
use crate::syntax::{CompareOp, Half};
use crate::value::{Difference, Pattern};

/// What a run of a vector found.
#[derive(Debug, Default)]
pub struct Report {
    /// The vector's file.
    pub file: String,
    /// What is not as it should be; empty if the vector passes.
    pub failures: Vec<Failure>,
    /// What read statements found, by place.
    pub readings: Vec<(Place, String)>,
    /// Where every packet went.
    pub ways: Vec<Way>,
    /// How many packets were compared with what was expected.
    pub n_compared: u64,
    /// What the device counted.
    pub counters: DeviceCounters,
}

/// A line of a vector or of its setup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: String,
    /// From 1.
    pub line: u32,
}

/// Where the packets that a line caused went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// The line that caused the packet.
    pub place: Place,
    /// What happened to it and its copies, in order.
    pub events: Vec<FateEvent>,
}

/// Something that is not as it should be.
#[derive(Debug)]
pub enum Failure {
    /// A statement could not be carried out.
    Statement(StatementError),
    /// A packet is not the expected one.
    Mismatch {
        /// The line of the `expect`.
        place: Place,
        /// The port.
        port: u16,
        /// Which packet of the port, from 1.
        position: usize,
        /// What was expected.
        expected: Pattern,
        /// What came.
        found: Vec<u8>,
        /// The first difference.
        difference: Difference,
        /// The field that differs; empty where the lengths do.
        field: String,
        /// The line that caused the packet.
        cause: Place,
    },
    /// A packet did not come.
    Missing {
        /// The line of the `expect`.
        place: Place,
        /// The port.
        port: u16,
        /// What was expected; none for any packet.
        expected: Option<Pattern>,
    },
    /// A packet came that nothing expected.
    Unexpected {
        /// The port.
        port: u16,
        /// Which packet of the port, from 1.
        position: usize,
        /// What came.
        found: Vec<u8>,
        /// The line that caused the packet.
        cause: Place,
    },
    /// A register holds something else.
    Register {
        /// The line of the check.
        place: Place,
        /// The register.
        register: String,
        /// Which element.
        index: u64,
        /// Which half.
        half: Half,
        /// What was expected.
        expected: String,
        /// What it holds.
        found: Bits,
    },
    /// A counter counted something else.
    Counter {
        /// The line of the check.
        place: Place,
        /// The counter.
        counter: String,
        /// Which cell.
        index: u64,
        /// Packets or bytes.
        what: &'static str,
        /// How it was compared.
        op: CompareOp,
        /// What was expected.
        expected: u64,
        /// What it counted.
        found: u64,
    },
    /// A message to the control plane is another one, or was not sent.
    Digest {
        /// The line of the check.
        place: Place,
        /// The digest.
        digest: String,
        /// What was expected.
        expected: String,
        /// What was sent; none if nothing was.
        found: Option<Vec<Bits>>,
    },
    /// A packet went round in circles until the device ended it.
    Circle {
        /// The line that caused the packet.
        cause: Place,
    },
}

/// So many bytes of a packet are shown around a difference.
const SHOWN_BYTES: usize = 32;

/// So many packets are shown where one is missing.
const SHOWN_WAYS: usize = 4;

/// So many steps are shown of a packet's way.
const SHOWN_EVENTS: usize = 24;

impl Report {
    /// Whether everything is as it should be.
    #[must_use]
    pub fn is_pass(&self) -> bool {
        self.failures.is_empty()
    }

    /// The failures as text, with the way of every packet that may have to do with them. `errors`
    /// are the names of the program's errors, `locate` finds the place of a span in its source.
    #[must_use]
    pub fn render(&self, errors: &[String], locate: &dyn Fn(Span) -> Option<String>) -> String {
        let mut text = String::new();
        for failure in &self.failures {
            text.push_str(&failure.to_string());
            text.push('\n');
            if let Some(place) = failure.span().and_then(locate) {
                text.push_str(&format!("  at {place}\n"));
            }
            let causes: Vec<&Way> = match failure {
                Failure::Missing { place, .. } => self.ways_near(place),
                Failure::Mismatch { cause, .. }
                | Failure::Unexpected { cause, .. }
                | Failure::Circle { cause } => {
                    self.ways.iter().filter(|way| way.place == *cause).collect()
                }
                Failure::Statement(_)
                | Failure::Register { .. }
                | Failure::Counter { .. }
                | Failure::Digest { .. } => Vec::new(),
            };
            for way in causes {
                text.push_str(&way.render(errors, locate));
            }
        }
        text
    }
}

impl Report {
    /// The ways of the packets that were caused nearest to a line, in order.
    fn ways_near(&self, place: &Place) -> Vec<&Way> {
        let mut near: Vec<(u32, usize)> = self
            .ways
            .iter()
            .enumerate()
            .filter(|(_, way)| way.place.file == place.file)
            .map(|(position, way)| (way.place.line.abs_diff(place.line), position))
            .collect();
        near.sort_unstable();
        near.truncate(SHOWN_WAYS);
        near.sort_unstable_by_key(|(_, position)| *position);
        near.iter()
            .map(|(_, position)| &self.ways[*position])
            .collect()
    }
}

impl Failure {
    /// Its place in the program, if it has one.
    fn span(&self) -> Option<Span> {
        match self {
            Self::Statement(error) => error.span(),
            Self::Mismatch { .. }
            | Self::Missing { .. }
            | Self::Unexpected { .. }
            | Self::Register { .. }
            | Self::Counter { .. }
            | Self::Digest { .. }
            | Self::Circle { .. } => None,
        }
    }
}

impl Way {
    /// A line of text for the packet, and one for everything that happened to it.
    fn render(&self, errors: &[String], locate: &dyn Fn(Span) -> Option<String>) -> String {
        let mut text = format!("  packet of {}:\n", self.place);
        for event in self.events.iter().take(SHOWN_EVENTS) {
            text.push_str("    ");
            text.push_str(&event.describe(errors));
            if let Some(place) = locate(event.span()) {
                text.push_str(" at ");
                text.push_str(&place);
            }
            text.push('\n');
        }
        if let Some(n_more) = self.events.len().checked_sub(SHOWN_EVENTS + 1) {
            text.push_str(&format!("    … and {} more steps\n", n_more + 1));
        }
        text
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

impl std::fmt::Display for Half {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Lo => "lo",
            Self::Hi => "hi",
        })
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Statement(error) => write!(f, "{error}"),
            Self::Mismatch {
                place,
                port,
                position,
                expected,
                found,
                difference,
                field,
                cause,
            } => {
                write!(f, "{place}: port {port}, packet {position}: ")?;
                write_difference(f, expected, found, *difference, field)?;
                write!(f, "\n  the packet goes back to {cause}")
            }
            Self::Missing {
                place,
                port,
                expected,
            } => {
                write!(f, "{place}: port {port}: the packet did not come")?;
                match expected {
                    Some(expected) => write!(f, "\n  expected: {expected}"),
                    None => Ok(()),
                }
            }
            Self::Unexpected {
                port,
                position,
                found,
                cause,
            } => {
                write!(
                    f,
                    "{cause}: port {port}, packet {position}: nothing expects this packet"
                )?;
                write!(f, "\n  got:      {}", hex(found))
            }
            Self::Register {
                place,
                register,
                index,
                half,
                expected,
                found,
            } => write!(
                f,
                "{place}: register {register}({index}) {half}: expected {expected}, found \
                 {found:#x} ({found})"
            ),
            Self::Counter {
                place,
                counter,
                index,
                what,
                op,
                expected,
                found,
            } => write!(
                f,
                "{place}: counter {counter}({index}) {what}: expected {} {expected}, found {found}",
                op.symbol()
            ),
            Self::Digest {
                place,
                digest,
                expected,
                found,
            } => {
                write!(f, "{place}: digest {digest}: expected {expected}, ")?;
                match found {
                    Some(values) => {
                        let values: Vec<_> = values.iter().map(|v| format!("{v:#x}")).collect();
                        write!(f, "found {}", values.join(" "))
                    }
                    None => write!(f, "but no more were sent"),
                }
            }
            Self::Circle { cause } => {
                write!(
                    f,
                    "{cause}: the packet goes round in circles, and was ended"
                )
            }
        }
    }
}

fn write_difference(
    f: &mut std::fmt::Formatter<'_>,
    expected: &Pattern,
    found: &[u8],
    difference: Difference,
    field: &str,
) -> std::fmt::Result {
    let at = match difference {
        Difference::Byte(at) => {
            let wanted: String = (at * 2..at * 2 + 2)
                .map(|position| match expected.nibbles.get(position) {
                    Some(Some(nibble)) => char::from_digit(u32::from(*nibble), 16).unwrap_or('?'),
                    Some(None) | None => '*',
                })
                .collect();
            write!(
                f,
                "byte {at} ({field}): expected {wanted}, found {:02x}",
                found[at]
            )?;
            at
        }
        Difference::TooShort => {
            let needed = expected.len_bytes();
            write!(
                f,
                "the packet ends after {} bytes, {needed} were expected",
                found.len()
            )?;
            found.len()
        }
        Difference::TooLong => {
            let needed = expected.len_bytes();
            write!(
                f,
                "the packet has {} bytes, {needed} were expected",
                found.len()
            )?;
            needed
        }
    };
    // The difference stands in the second half of what is shown, on an even line of 16 bytes.
    let start = at.saturating_sub(SHOWN_BYTES / 2) / 16 * 16;
    let end = start + SHOWN_BYTES;
    let dots = if start > 0 { "…" } else { "" };
    let wanted = Pattern {
        nibbles: expected.nibbles[(start * 2).min(expected.nibbles.len())..].to_vec(),
        is_exact: expected.is_exact,
    };
    let wanted: String = wanted.to_string().chars().take(SHOWN_BYTES * 2).collect();
    write!(f, "\n  expected: {dots}{wanted}")?;
    let shown = &found[start.min(found.len())..end.min(found.len())];
    write!(f, "\n  found:    {dots}{}", hex(shown))?;
    let mark = (at - start) * 2 + dots.chars().count();
    write!(f, "\n            {}^^", " ".repeat(mark))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
