//! What a vector writes to registers and meters, and reads of them.

use p4rmt_engine::{FilterConfig, METER_FRACTION_BITS, MeterConfig, find_meter, find_register};
use p4rmt_ir::Pipe;

use super::Run;
use crate::error::StatementFault;
use crate::report::Place;
use crate::syntax::{CellIndex, MeterRate};

impl Run {
    pub(super) fn reset_register(&mut self, pipe: &Pipe, name: &str) -> Result<(), StatementFault> {
        let id = find_register(pipe, name)?;
        let register = &pipe.gresses[id.gress].registers[id.id];
        let layout = self.pipe();
        let cells = layout
            .gress(id.gress)
            .and_then(|gress| gress.registers.get(id.id))
            .map_or(0, |array| array.cells);
        for index in 0..cells {
            self.device
                .state_mut()
                .write_register(id, index, &register.initial)?;
        }
        Ok(())
    }

    pub(super) fn set_rates(
        &mut self,
        pipe: &Pipe,
        name: &str,
        index: Option<u64>,
        rates: &[MeterRate],
    ) -> Result<(), StatementFault> {
        let id = find_meter(pipe, name)?;
        let clocks_per_us = self.device.config().clocks_per_us.max(1);
        let [committed, peak] = [rates.first(), rates.last()].map(|rate| {
            let rate = rate.map_or((0, 0), |rate| (rate.rate_e12, rate.burst));
            let tokens = u128::from(rate.0) << METER_FRACTION_BITS;
            let tokens = tokens / 1_000_000_000_000 / u128::from(clocks_per_us);
            let burst = u128::from(rate.1) << METER_FRACTION_BITS;
            [tokens, burst].map(|value| u64::try_from(value).unwrap_or(u64::MAX))
        });
        let config = MeterConfig {
            cir: committed[0],
            cbs: committed[1],
            pir: peak[0],
            pbs: peak[1],
        };
        let layout = self.pipe();
        let cells = layout
            .gress(id.gress)
            .and_then(|gress| gress.meters.get(id.id))
            .map_or(0, |array| array.cells);
        match index {
            Some(index) => self.device.state_mut().configure_meter(id, index, config)?,
            None => (0..cells)
                .try_for_each(|index| self.device.state_mut().configure_meter(id, index, config))?,
        }
        Ok(())
    }

    /// Configures a filter's cell, or all of them.
    pub(super) fn set_filter(
        &mut self,
        pipe: &Pipe,
        name: &str,
        index: Option<u64>,
        config: FilterConfig,
    ) -> Result<(), StatementFault> {
        let id = find_meter(pipe, name)?;
        let cells = self
            .pipe()
            .gress(id.gress)
            .and_then(|gress| gress.meters.get(id.id))
            .map_or(0, |array| array.cells);
        let indices = index.map_or(0..cells, |index| index..index.saturating_add(1));
        for index in indices {
            self.device
                .state_mut()
                .configure_filter(id, index, config)?;
        }
        Ok(())
    }

    /// Shows the rates of a meter's cell, in the units of `meter_set_rates`.
    pub(super) fn get_rates(
        &mut self,
        place: &Place,
        pipe: &Pipe,
        name: &str,
        index: &CellIndex,
    ) -> Result<(), StatementFault> {
        let id = find_meter(pipe, name)?;
        let index = self.cell(index)?;
        let MeterConfig { cir, cbs, pir, pbs } = self.device.state().meter(id, index)?;
        let clocks_per_us = self.device.config().clocks_per_us;
        let rate = |rate: u64, burst: u64| {
            let e12 = u128::from(rate) * u128::from(clocks_per_us) * 1_000_000_000_000;
            let e12 = e12 >> METER_FRACTION_BITS;
            let (whole, fraction) = (e12 / 1_000_000_000_000, e12 % 1_000_000_000_000);
            let burst = burst >> METER_FRACTION_BITS;
            format!("{whole}.{fraction:012}:{burst}")
        };
        let text = format!("{name}({index}) = {} {}", rate(cir, cbs), rate(pir, pbs));
        self.read(place, text);
        Ok(())
    }
}
