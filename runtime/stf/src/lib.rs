//! Packet vectors: the STF language and its runner.
