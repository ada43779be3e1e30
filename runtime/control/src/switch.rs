//! What answers requests.

use crate::{ControlError, Description, Entry, KeyMatch, Number, Reply, Request};

/// A switch, here or elsewhere. Each request is carried out between two packets.
pub trait Switch {
    /// Carries out a request.
    ///
    /// # Errors
    /// What the request names is not there or does not take what it is given; or the switch is out of reach. Nothing
    /// has changed then, but for what came before it in a [`Request::All`].
    fn call(&mut self, request: &Request) -> Result<Reply, ControlError>;

    /// Adds an entry to a table.
    ///
    /// # Errors
    /// As for [`Self::call`].
    fn insert(&mut self, table: &str, entry: Entry) -> Result<(), ControlError> {
        let table = table.to_owned();
        self.call(&Request::Insert { table, entry }).map(|_| ())
    }

    /// Removes an entry of a table without priorities.
    ///
    /// # Errors
    /// As for [`Self::call`].
    fn delete(&mut self, table: &str, keys: Vec<(String, KeyMatch)>) -> Result<(), ControlError> {
        let request = Request::Delete {
            table: table.to_owned(),
            keys,
            priority: 0,
        };
        self.call(&request).map(|_| ())
    }

    /// Reads `count` elements of a register from `index` on: of each a value, or two of a pair.
    ///
    /// # Errors
    /// As for [`Self::call`].
    fn read_registers(
        &mut self,
        register: &str,
        index: u64,
        count: u64,
    ) -> Result<Vec<Vec<Number>>, ControlError> {
        let request = Request::ReadRegister {
            register: register.to_owned(),
            index,
            count,
        };
        match self.call(&request)? {
            Reply::Elements(elements) => Ok(elements),
            other => Err(ControlError::unexpected(&other)),
        }
    }

    /// Writes an element of a register.
    ///
    /// # Errors
    /// As for [`Self::call`].
    fn write_register(
        &mut self,
        register: &str,
        index: u64,
        values: &[Number],
    ) -> Result<(), ControlError> {
        let request = Request::WriteRegister {
            register: register.to_owned(),
            index,
            values: values.to_vec(),
        };
        self.call(&request).map(|_| ())
    }

    /// Sends a packet into the switch, as one that arrives at a port.
    ///
    /// # Errors
    /// As for [`Self::call`].
    fn send(&mut self, port: u16, bytes: Vec<u8>) -> Result<(), ControlError> {
        self.call(&Request::Send { port, bytes }).map(|_| ())
    }

    /// What there is to be named.
    ///
    /// # Errors
    /// As for [`Self::call`].
    fn describe(&mut self) -> Result<Description, ControlError> {
        match self.call(&Request::Describe)? {
            Reply::Description(description) => Ok(description),
            other => Err(ControlError::unexpected(&other)),
        }
    }

    /// The time in nanoseconds since clock 0.
    ///
    /// # Errors
    /// As for [`Self::call`].
    fn now_ns(&mut self) -> Result<u64, ControlError> {
        match self.call(&Request::Time)? {
            Reply::Time { ns, .. } => Ok(ns),
            other => Err(ControlError::unexpected(&other)),
        }
    }
}
