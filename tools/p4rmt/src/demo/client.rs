//! What a peer does with a stream, whoever provides it, to see whether every byte arrives.

use std::io::{self, BufRead, BufReader, Read, Write};

use super::pattern::Pattern;
use super::servers::{DOWN, UP};

/// Bytes that are sent before their echo is read.
const ECHO_CHUNK: usize = 16 << 10;

fn wrong(reason: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.to_string())
}

/// Gets so many bytes.
///
/// # Errors
/// The stream's; an answer that is not what it should be.
pub(super) fn get<S: Read + Write>(mut stream: S, len: u64) -> io::Result<()> {
    let head = format!("GET /bytes/{len} HTTP/1.1\r\nHost: laminar\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    let mut stream = BufReader::new(stream);
    read_head(&mut stream)?;
    match DOWN.read(&mut stream, len)? {
        None => Ok(()),
        Some(at) => Err(wrong(format!("byte {at} of {len} is another"))),
    }
}

/// Puts so many bytes.
///
/// # Errors
/// The stream's; an answer that says that a byte is another.
pub(super) fn put<S: Read + Write>(mut stream: S, len: u64) -> io::Result<()> {
    let head = format!(
        "PUT /bytes/{len} HTTP/1.1\r\nHost: laminar\r\nContent-Length: {len}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    UP.write(&mut stream, len)?;
    let mut stream = BufReader::new(stream);
    read_head(&mut stream)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    match answer.as_str() {
        "intact\n" => Ok(()),
        other => Err(wrong(other.trim())),
    }
}

/// Sends bytes and reads their echo, a chunk at a time.
///
/// # Errors
/// The stream's; a byte that is another.
pub(super) fn echo<S: Read + Write>(mut stream: S, pattern: Pattern, len: u64) -> io::Result<()> {
    let mut sent = vec![0; ECHO_CHUNK];
    let mut received = vec![0; ECHO_CHUNK];
    let mut position = 0;
    while position < len {
        let n_bytes = ECHO_CHUNK.min((len - position).try_into().unwrap_or(usize::MAX));
        pattern.fill(position, &mut sent[..n_bytes]);
        stream.write_all(&sent[..n_bytes])?;
        stream.read_exact(&mut received[..n_bytes])?;
        if let Some(at) = pattern.difference(position, &received[..n_bytes]) {
            return Err(wrong(format!("byte {at} of {len} is another")));
        }
        position += n_bytes as u64;
    }
    Ok(())
}

/// Reads the head of an answer, which is to be good.
fn read_head(stream: &mut impl BufRead) -> io::Result<()> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    if !line.starts_with("HTTP/1.1 200 ") {
        return Err(wrong(format!("the answer is `{}`", line.trim())));
    }
    while line.trim() != "" {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}
