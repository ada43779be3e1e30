//! Checks of what a vector expects beside packets: counters, registers, digests.

use p4rmt_engine::{Ref, find_counter, find_digest, find_register};
use p4rmt_ir::{BinaryOp, Bits, CounterId, Pipe, RegisterId};
use p4rmt_pipeline::SentDigest;

use super::Run;
use crate::error::StatementFault;
use crate::report::{Failure, Place};
use crate::syntax::{CellIndex, CounterCheck, Element, Half};
use crate::value::Value;

impl Run {
    pub(super) fn check_counter(
        &mut self,
        place: &Place,
        name: &str,
        index: &CellIndex,
        check: Option<CounterCheck>,
    ) -> Result<(), StatementFault> {
        let id: Ref<CounterId> = find_counter(self.pipe().pipe(), name)?;
        let index = self.cell(index)?;
        let counts = self.device.state().counter(id, index)?;
        let Some(CounterCheck {
            is_bytes,
            op,
            value,
        }) = check
        else {
            return Ok(());
        };
        let (what, found) = if is_bytes {
            ("bytes", counts.bytes)
        } else {
            ("packets", counts.packets)
        };
        let counter = || name.to_owned();
        let found = found.ok_or_else(|| StatementFault::NotCounted {
            counter: counter(),
            what,
        })?;
        if !op.holds(found, value) {
            self.failures.push(Failure::Counter {
                place: place.clone(),
                counter: counter(),
                index,
                what,
                op,
                expected: value,
                found,
            });
        }
        Ok(())
    }

    /// The position of a cell.
    pub(super) fn cell(&self, index: &CellIndex) -> Result<u64, StatementFault> {
        match index {
            CellIndex::Number(index) => Ok(*index),
            CellIndex::Entry(id) => {
                let slot = self.entry_ids.get(id);
                let slot = slot.ok_or_else(|| StatementFault::NoEntryId { id: id.clone() })?;
                Ok(*slot as u64)
            }
        }
    }

    /// Checks the oldest message of a digest, which is then done with.
    pub(super) fn check_digest(
        &mut self,
        place: &Place,
        pipe: &Pipe,
        name: &str,
        values: &[Value],
    ) -> Result<(), StatementFault> {
        let id = find_digest(pipe, name)?;
        let fields = &pipe.gresses[id.gress].digests[id.id].fields;
        if !values.is_empty() && values.len() != fields.len() {
            return Err(StatementFault::WrongDigest {
                digest: name.to_owned(),
                needed: fields.len(),
                available: values.len(),
            });
        }
        let mut expected = Vec::new();
        for (value, (field, width)) in values.iter().zip(fields) {
            expected.push(
                value
                    .to_bits(*width)
                    .ok_or_else(|| StatementFault::TooWide {
                        value: value.text().to_owned(),
                        what: field.clone(),
                        width: *width,
                    })?,
            );
        }
        let is_of = |sent: &SentDigest| sent.gress == id.gress && sent.message.digest == id.id;
        let oldest = self.digests.iter().position(is_of);
        let found = oldest.map(|position| self.digests.remove(position).message.fields);
        let is_right = found.as_ref().is_some_and(|found| {
            let pairs = expected.iter().zip(values).zip(found);
            pairs.into_iter().all(|((expected, value), found)| {
                Bits::binary(BinaryOp::And, found, &value.mask_of(found.width())) == *expected
            })
        });
        if !is_right {
            let texts: Vec<&str> = values.iter().map(Value::text).collect();
            let expected = if texts.is_empty() {
                "a message".to_owned()
            } else {
                texts.join(" ")
            };
            self.failures.push(Failure::Digest {
                place: place.clone(),
                digest: name.to_owned(),
                expected,
                found,
            });
        }
        Ok(())
    }

    /// The register, the values of its element, and which of them is meant.
    pub(super) fn element(
        &self,
        element: &Element,
    ) -> Result<(Ref<RegisterId>, Vec<Bits>, usize), StatementFault> {
        let id = find_register(self.pipe().pipe(), &element.register)?;
        let values = self.device.state().register(id, element.index)?;
        let half = match element.half {
            None | Some(Half::Lo) => 0,
            Some(Half::Hi) => 1,
        };
        if half >= values.len() {
            return Err(StatementFault::NoHi {
                register: element.register.clone(),
            });
        }
        Ok((id, values, half))
    }

    pub(super) fn check_register(
        &mut self,
        place: &Place,
        element: &Element,
        value: &Value,
    ) -> Result<(), StatementFault> {
        let (_, values, half) = self.element(element)?;
        let found = &values[half];
        let too_wide = || StatementFault::TooWide {
            value: value.text().to_owned(),
            what: element.register.clone(),
            width: found.width(),
        };
        let expected = value.to_bits(found.width()).ok_or_else(too_wide)?;
        let mask = value.mask_of(found.width());
        let seen = Bits::binary(BinaryOp::And, found, &mask);
        if seen != expected {
            self.failures.push(Failure::Register {
                place: place.clone(),
                register: element.register.clone(),
                index: element.index,
                half: element.half.unwrap_or(Half::Lo),
                expected: value.text().to_owned(),
                found: found.clone(),
            });
        }
        Ok(())
    }
}
