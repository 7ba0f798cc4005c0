//! Server-sent events: <https://html.spec.whatwg.org/multipage/server-sent-events.html>, as far as
//! our own servers use it.

/// Parses events from the chunks of a connection.
#[derive(Debug, Default)]
pub(super) struct Events {
    rest: Vec<u8>,
    id: Option<String>,
    data: Vec<String>,
}

impl Events {
    /// The events (id, data) that this chunk completes.
    pub fn take(&mut self, piece: &[u8]) -> Vec<(Option<String>, String)> {
        self.rest.extend_from_slice(piece);
        let mut events = Vec::new();
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            events.extend(self.line(line.trim_end_matches(['\r', '\n'])));
        }
        events
    }

    fn line(&mut self, line: &str) -> Option<(Option<String>, String)> {
        if line.is_empty() {
            let (id, data) = (self.id.take(), std::mem::take(&mut self.data));
            return (!data.is_empty()).then(|| (id, data.join("\n")));
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => self.id = Some(value.to_owned()),
            "data" => self.data.push(value.to_owned()),
            _ => {} // a comment (heartbeat) or an unused field
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_in_pieces() {
        let mut events = Events::default();
        assert_eq!(events.take(b": heartbeat\n\nid: 1\nevent: status\nda"), []);
        assert_eq!(events.take(b"ta: {\"a\":1}\r\n\nid: 2\n"), [(Some("1".to_owned()), "{\"a\":1}".to_owned())]);
        assert_eq!(events.take("data:ä\ndata: b\n\n".as_bytes()), [(Some("2".to_owned()), "ä\nb".to_owned())]);
    }
}
