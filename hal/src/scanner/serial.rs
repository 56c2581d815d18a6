//! A scanner on a serial line, or on USB as CDC-ACM.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::assembler::{Assembler, FramingRules, ScanCounters};
use super::{Scan, Scanner, ScannerError};
use crate::link::Link;

/// A scanner that sends its codes as bytes, ended by CR, LF or Tab.
#[derive(Debug)]
pub struct SerialScanner {
    link: Link,
    assembler: Assembler,
    unread: VecDeque<u8>,
    started: Instant,
}

impl SerialScanner {
    /// Takes over an open link.
    #[must_use]
    pub fn new(link: Link, rules: FramingRules) -> Self {
        Self { link, assembler: Assembler::new(rules), unread: VecDeque::new(), started: Instant::now() }
    }

    fn take_unread(&mut self) -> Option<Scan> {
        let at = self.started.elapsed();
        while let Some(byte) = self.unread.pop_front() {
            let scan = match byte {
                b'\r' | b'\n' | b'\t' => self.assembler.end(at),
                byte => self.assembler.push(at, byte),
            };
            if scan.is_some() {
                return scan;
            }
        }
        None
    }
}

impl Scanner for SerialScanner {
    async fn next_scan(&mut self) -> Result<Scan, ScannerError> {
        let mut buffer = [0; 256];
        loop {
            if let Some(scan) = self.take_unread() {
                return Ok(scan);
            }
            let silence = self.assembler.deadline();
            // Without a code in progress nothing is due; an hour is as good as never.
            let until = self.started + silence.unwrap_or(self.started.elapsed() + Duration::from_secs(3_600));
            match tokio::time::timeout_at(until, self.link.receive(&mut buffer)).await {
                Ok(read) => self.unread.extend(&buffer[..read?]),
                Err(_) => {
                    if let Some(scan) = self.assembler.on_time(self.started.elapsed()) {
                        return Ok(scan);
                    }
                }
            }
        }
    }

    fn counters(&self) -> ScanCounters {
        self.assembler.counters()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn codes_end_by_suffix_or_silence_and_waiting_can_be_dropped() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let mut scanner = SerialScanner::new(Link::over(ours, "scanner"), FramingRules::default());
        theirs.write_all(b"]E04006381333931\r\n]C10104006381333931\x1d\r").await.unwrap();
        assert_eq!(scanner.next_scan().await.unwrap().bytes, b"4006381333931");
        assert_eq!(scanner.next_scan().await.unwrap().bytes, b"0104006381333931\x1D");

        theirs.write_all(b"no suf").await.unwrap();
        let early = tokio::time::timeout(Duration::from_millis(20), scanner.next_scan()).await;
        assert!(early.is_err());
        theirs.write_all(b"fix").await.unwrap();
        assert_eq!(
            scanner.next_scan().await.unwrap().bytes,
            b"no suffix",
            "nothing was lost by the dropped wait"
        );

        drop(theirs);
        assert!(matches!(scanner.next_scan().await, Err(ScannerError::Link(_))));
        assert_eq!(scanner.counters().codes, 3);
    }
}
