//! The device around the pipe: ports, traffic manager, mirrors, captures.
