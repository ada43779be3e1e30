//! ICMP echo (RFC 792).

use super::ones_sum;

/// The answer to an echo request; none for anything else.
pub(crate) fn echo_reply(message: &[u8]) -> Option<Vec<u8>> {
    let is_request = message.len() >= 8 && message[..2] == [8, 0];
    if !is_request || ones_sum(0, message) != 0xffff {
        return None;
    }
    let mut reply = message.to_vec();
    reply[..4].fill(0);
    let checksum = !ones_sum(0, &reply);
    reply[2..4].copy_from_slice(&checksum.to_be_bytes());
    Some(reply)
}
