//! Where a fleet is, and what is asked of it: addresses, paths and queries.

use super::failure::{Failure, Result};

/// Ports of addresses that name none.
const HTTPS_PORT: u16 = 443;
const HTTP_PORT: u16 = 80;

/// The address of a fleet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Address {
    pub secure: bool,
    pub host: String,
    pub port: u16,
}

impl Address {
    /// Reads `https://fleet.example:8443`, or the same without `https://`. Plain HTTP only reaches this machine:
    /// a token would be readable on the way to any other.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Failure::usage(format!("{text:?} {why}")).next("fleetctl login https://fleet.example:8443")
        };
        let (secure, rest) = match text.split_once("://") {
            None => (true, text),
            Some(("https", rest)) => (true, rest),
            Some(("http", rest)) => (false, rest),
            Some(_) => return Err(wrong("is neither https:// nor http://")),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#', '@']) || authority.chars().any(char::is_whitespace) {
            return Err(wrong("is no address such as https://fleet.example:8443"));
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| wrong("names no port"))?)
            }
            _ => (authority, if secure { HTTPS_PORT } else { HTTP_PORT }),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        if host.is_empty() {
            return Err(wrong("names no host"));
        }
        let address = Self { secure, host, port };
        if !secure && !address.is_this_machine() {
            return Err(wrong("would carry the token unencrypted; http:// is for this machine only"));
        }
        Ok(address)
    }

    fn is_this_machine(&self) -> bool {
        self.host == "localhost" || self.host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// Host and port, as in URLs.
    pub(super) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", if self.secure { "https" } else { "http" }, self.authority())
    }
}

/// A path of the API: `/v1` and the parts.
pub(super) fn path(parts: &[&str]) -> String {
    let parts = parts.iter().map(|part| format!("/{}", encoded(part)));
    format!("/v1{}", parts.collect::<String>())
}

/// A query of a URL.
#[derive(Clone, Default, Debug)]
pub(super) struct Query(String);

impl Query {
    /// Adds a condition if there is one.
    pub(super) fn with(mut self, name: &str, value: Option<impl ToString>) -> Self {
        if let Some(value) = value {
            self.0.push(if self.0.is_empty() { '?' } else { '&' });
            self.0.push_str(&format!("{name}={}", encoded(&value.to_string())));
        }
        self
    }

    pub(super) fn after(&self, path: &str) -> String {
        format!("{path}{}", self.0)
    }
}

/// Everything but what RFC 3986 calls unreserved is escaped.
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_a_token_goes_nowhere_unencrypted() {
        let read =
            |text| Address::parse(text).map(|address| address.to_string()).map_err(|failure| failure.what);
        assert_eq!(read("fleet.example").unwrap(), "https://fleet.example:443");
        assert_eq!(read("https://Fleet.example:8443/").unwrap(), "https://fleet.example:8443");
        assert_eq!(read("http://127.0.0.1:8480").unwrap(), "http://127.0.0.1:8480");
        assert_eq!(read("http://[::1]:8480").unwrap(), "http://[::1]:8480");
        assert_eq!(read("http://localhost").unwrap(), "http://localhost:80");
        for wrong in [
            "http://fleet.example",
            "http://10.0.0.1:8480",
            "http://127.0.0.1.example",
            "ftp://x",
            "https://",
            "https://a:b",
            "https://a@b",
            "https://a/b",
            "a b",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn whatever_is_asked_for_stays_in_its_place_of_the_url() {
        assert_eq!(path(&["kiosks", "../x?y", "twin"]), "/v1/kiosks/..%2Fx%3Fy/twin");
        let query =
            Query::default().with("filter", Some("a=1 and b&c")).with("no", None::<u8>).with("n", Some(5));
        assert_eq!(query.after("/v1/kiosks"), "/v1/kiosks?filter=a%3D1%20and%20b%26c&n=5");
    }
}
