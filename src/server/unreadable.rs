//! Bytes that are no request. hyper answers them by itself, with a status and an empty body, and closes. Here that answer gets
//! the body that all others have, on its way out: a GraphQL document that says what is wrong.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::defence::defend;
use super::problem::Problem;

/// A stream on which refusals of hyper's go out with a body.
pub struct Explained<S> {
    stream: S,
    /// What of such a refusal has not gone out yet.
    unsent: Vec<u8>,
}

impl<S> Explained<S> {
    /// Explains what goes out on the stream.
    pub fn new(stream: S) -> Self {
        Self { stream, unsent: Vec::new() }
    }
}

impl<S: AsyncWrite + Unpin> Explained<S> {
    fn poll_unsent(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            let sent = ready!(Pin::new(&mut self.stream).poll_write(context, &self.unsent))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.unsent.drain(..sent);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Explained<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Explained<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_unsent(context))?;
        let Some(explained) = explain(bytes) else { return Pin::new(&mut this.stream).poll_write(context, bytes) };
        // Taken as written: the rest of it goes out with the flush, which comes next.
        this.unsent = explained;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // A head without a body is one slice.
        if let [head] = slices {
            return self.poll_write(context, head);
        }
        let this = self.get_mut();
        ready!(this.poll_unsent(context))?;
        Pin::new(&mut this.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_unsent(context))?;
        Pin::new(&mut this.stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_unsent(context))?;
        Pin::new(&mut this.stream).poll_shutdown(context)
    }
}

/// The same refusal with a body, if that is one of hyper's: of all answers only these have no other headers, and end their
/// connection, so that what comes after the head is of nobody else.
fn explain(answer: &[u8]) -> Option<Vec<u8>> {
    if !answer.starts_with(b"HTTP/1.") || answer.get(8..10)? != b" 4" {
        return None;
    }
    let head = std::str::from_utf8(answer).ok()?.strip_suffix("\r\n\r\n")?;
    let (line, fields) = head.split_once("\r\n")?;
    let (dates, mut others): (Vec<&str>, Vec<&str>) =
        fields.split("\r\n").partition(|field| field.starts_with("date: "));
    others.sort_unstable();
    if others != ["connection: close", "content-length: 0"] {
        return None;
    }
    let status = StatusCode::from_bytes(line.get(9..12)?.as_bytes()).ok()?;
    let problem = match status {
        StatusCode::URI_TOO_LONG | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            let message = "The address and the headers are longer, or more, than what is read.";
            Problem::new(status, "PAYLOAD_TOO_LARGE", message)
        }
        _ => Problem::new(status, "BAD_REQUEST", "This is no HTTP request that could be understood."),
    };
    let (document, mut headers) = (problem.document(), HeaderMap::new());
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(problem.media.content_type()));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(document.len()));
    defend(&mut headers);

    let mut explained = format!("{line}\r\nconnection: close\r\n").into_bytes();
    for (name, value) in &headers {
        explained.extend_from_slice(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    for date in dates {
        explained.extend_from_slice(&[date.as_bytes(), b"\r\n"].concat());
    }
    explained.extend_from_slice(&[b"\r\n", document.as_bytes()].concat());
    Some(explained)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const REFUSAL: &[u8] =
        b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\ndate: Sat, 28 Nov 2026 18:00:00 GMT\r\n\r\n";

    async fn arrives(written: &'static [u8]) -> String {
        let (mut client, server) = duplex(7);
        let writing = tokio::spawn(async move {
            let mut server = Explained::new(server);
            server.write_all(written).await.unwrap();
            server.shutdown().await.unwrap();
        });
        let mut read = String::new();
        client.read_to_string(&mut read).await.unwrap();
        writing.await.unwrap();
        read
    }

    #[tokio::test]
    async fn a_refusal_is_explained_and_goes_out_whole() {
        let answer = arrives(REFUSAL).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\nconnection: close\r\n"), "{head}");
        assert!(head.ends_with("date: Sat, 28 Nov 2026 18:00:00 GMT"), "{head}");
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{head}");
        assert!(head.contains("x-content-type-options: nosniff\r\n"), "{head}");
        let document: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(document["errors"][0]["extensions"]["code"], "BAD_REQUEST");
    }

    #[tokio::test]
    async fn what_is_no_refusal_goes_out_as_it_is() {
        for written in [
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}",
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\nx-request-id: 1\r\n\r\n",
            "{\"data\":\"HTTP/1.1 400\"}",
            "H",
        ] {
            assert_eq!(arrives(written.as_bytes()).await, written);
        }
    }
}
