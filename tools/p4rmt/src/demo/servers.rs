//! What applications do with a connection: an echo server, and an HTTP server that gives and takes known bytes.
//! They know of streams alone, and run on libTOE as they would on sockets.

use std::io::{self, BufRead, BufReader, Read, Write};

use super::pattern::Pattern;

/// What `GET /bytes/N` gives.
pub(super) const DOWN: Pattern = Pattern(1);
/// What `PUT /bytes/N` takes.
pub(super) const UP: Pattern = Pattern(2);

/// The longest head of a request, in bytes.
const MAX_HEAD: u64 = 16 << 10;
/// The most bytes of a request or an answer.
const MAX_BODY: u64 = 1 << 40;

/// Sends back what comes, to the end.
///
/// # Errors
/// The stream's.
pub(super) fn echo(stream: &mut (impl Read + Write)) -> io::Result<()> {
    let mut bytes = vec![0; 1 << 16];
    loop {
        match stream.read(&mut bytes)? {
            0 => return Ok(()),
            n_read => stream.write_all(&bytes[..n_read])?,
        }
    }
}

/// A request, as far as it matters.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    method: String,
    path: String,
    body_len: u64,
    expects_continue: bool,
    is_last: bool,
}

/// Serves HTTP/1.1 requests until the peer has no more.
///
/// # Errors
/// The stream's, and a request that is none.
pub(super) fn http<S: Read + Write>(stream: S) -> io::Result<()> {
    let mut stream = BufReader::with_capacity(1 << 16, stream);
    while let Some(request) = read_request(&mut stream)? {
        answer(&mut stream, &request)?;
        stream.get_mut().flush()?;
        if request.is_last {
            break;
        }
    }
    Ok(())
}

fn invalid(reason: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.to_string())
}

fn read_request<S: Read>(stream: &mut BufReader<S>) -> io::Result<Option<Request>> {
    let mut head = Vec::new();
    let mut room = stream.take(MAX_HEAD);
    while !head.ends_with(b"\r\n\r\n") {
        if room.read_until(b'\n', &mut head)? == 0 {
            return match head.is_empty() {
                true => Ok(None),
                false => Err(invalid("a request without an end")),
            };
        }
    }
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    request.parse(&head).map_err(invalid)?;
    let header = |name: &str| {
        let mut headers = request.headers.iter();
        let header = headers.find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(header.value).ok()
    };
    let body_len = match header("Content-Length") {
        None => 0,
        Some(text) => text.parse().map_err(invalid)?,
    };
    if body_len > MAX_BODY || header("Transfer-Encoding").is_some() {
        return Err(invalid("a body of a length that cannot be taken"));
    }
    let is = |name: &str, value: &str| {
        header(name).is_some_and(|found| found.eq_ignore_ascii_case(value))
    };
    Ok(Some(Request {
        method: request.method.unwrap_or_default().to_owned(),
        path: request.path.unwrap_or_default().to_owned(),
        body_len,
        expects_continue: is("Expect", "100-continue"),
        is_last: is("Connection", "close") || request.version == Some(0),
    }))
}

fn answer<S: Read + Write>(stream: &mut BufReader<S>, request: &Request) -> io::Result<()> {
    if request.expects_continue {
        stream
            .get_mut()
            .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let asked = request.path.strip_prefix("/bytes/");
    let asked = asked.and_then(|len| len.parse::<u64>().ok());
    let asked = asked.filter(|len| *len <= MAX_BODY);
    match (request.method.as_str(), asked) {
        ("GET", Some(len)) => {
            skip(stream, request.body_len)?;
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {len}\r\n\r\n");
            stream.get_mut().write_all(head.as_bytes())?;
            DOWN.write(stream.get_mut(), len)
        }
        ("PUT", Some(len)) if len == request.body_len => {
            let text = match UP.read(stream, len)? {
                None => return say(stream, "200 OK", "intact\n"),
                Some(at) => format!("byte {at} is another\n"),
            };
            say(stream, "400 Bad Request", &text)
        }
        ("GET", None) if request.path == "/" => {
            skip(stream, request.body_len)?;
            say(
                stream,
                "200 OK",
                "This comes out of a match-action pipeline.\n",
            )
        }
        _ => {
            skip(stream, request.body_len)?;
            say(
                stream,
                "404 Not Found",
                "GET / or /bytes/N, or PUT /bytes/N\n",
            )
        }
    }
}

fn skip<S: Read>(stream: &mut BufReader<S>, len: u64) -> io::Result<()> {
    io::copy(&mut stream.take(len), &mut io::sink()).map(|_| ())
}

fn say<S: Read + Write>(stream: &mut BufReader<S>, status: &str, text: &str) -> io::Result<()> {
    let len = text.len();
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {len}\r\n\r\n{text}");
    stream.get_mut().write_all(answer.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// A stream with what comes, and what went.
    struct Both(Cursor<Vec<u8>>, Vec<u8>);

    impl Read for Both {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            self.0.read(bytes)
        }
    }

    impl Write for Both {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn served(request: &[u8]) -> io::Result<Vec<u8>> {
        let mut both = Both(Cursor::new(request.to_vec()), Vec::new());
        http(&mut both).map(|()| both.1)
    }

    #[test]
    fn requests_one_behind_the_other_are_answered() {
        let mut put =
            b"PUT /bytes/10 HTTP/1.1\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n"
                .to_vec();
        UP.write(&mut put, 10).expect("a vector takes all");
        let requests = [&b"GET /bytes/5 HTTP/1.1\r\nHost: x\r\n\r\n"[..], &put].concat();
        let mut expected = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n".to_vec();
        DOWN.write(&mut expected, 5).expect("a vector takes all");
        expected.extend(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nintact\n",
        );
        assert_eq!(served(&requests).expect("they are requests"), expected);
        put[75] ^= 1;
        let said = served(&put).expect("it is a request");
        assert!(
            said.ends_with(b"is another\n"),
            "{}",
            String::from_utf8_lossy(&said)
        );
    }

    #[test]
    fn what_is_no_request_ends_the_connection() {
        for broken in [
            &b"GET"[..],
            b"\x16\x03\x01\r\n\r\n",
            b"PUT /bytes/5 HTTP/1.1\r\nContent-Length: many\r\n\r\n",
            b"PUT /bytes/5 HTTP/1.1\r\nContent-Length: 5\r\n\r\nab",
            b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        ] {
            assert!(
                served(broken).is_err(),
                "{}",
                String::from_utf8_lossy(broken)
            );
        }
        let endless = vec![b'a'; 1 << 20];
        assert!(served(&endless).is_err());
        let said = served(b"GET /nothing HTTP/1.1\r\n\r\n").expect("it is a request");
        assert!(said.starts_with(b"HTTP/1.1 404"));
    }

    #[test]
    fn echo_gives_back_what_comes() {
        let mut both = Both(Cursor::new(b"hello".to_vec()), Vec::new());
        echo(&mut both).expect("a vector takes all");
        assert_eq!(both.1, b"hello");
    }
}
