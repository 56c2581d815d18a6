//! JSON (RFC 8259) to a tree with places. A parser of our own because the one thing that matters here is
//! what the usual ones forget: where each value stood. The first fault ends it, with a word on the usual
//! slips of hand-written JSON.

use super::MAX_FILE_BYTES;
use super::error::Fault;
use super::node::{At, Field, Kind, Node, shown};

/// Deepest nesting; the format itself needs seven.
const MAX_DEPTH: usize = 32;

/// Most values in a document: three times what 5,000 items in four languages take, and below 200 MiB of memory.
const MAX_VALUES: usize = 1_000_000;

pub(super) fn parse(text: &str) -> Result<Node, Fault> {
    let mut parser = Parser { rest: text, at: At { file: 0, line: 1, column: 1 }, values: 0 };
    if text.len() > MAX_FILE_BYTES {
        return Err(parser.fault("the file is larger than 16 MiB", "split the menu or shorten its texts"));
    }
    if let Some(rest) = text.strip_prefix('\u{feff}') {
        parser.rest = rest;
    }
    parser.skip_space();
    let root = parser.value(0)?;
    parser.skip_space();
    match parser.peek() {
        None => Ok(root),
        Some(_) => Err(parser.fault("there is something after the end of the document", "remove it")),
    }
}

struct Parser<'t> {
    rest: &'t str,
    at: At,
    values: usize,
}

impl Parser<'_> {
    fn value(&mut self, depth: usize) -> Result<Node, Fault> {
        self.values += 1;
        if depth > MAX_DEPTH || self.values > MAX_VALUES {
            return Err(
                self.fault("there are too many values, or they are nested too deeply", "make it smaller")
            );
        }
        let at = self.at;
        let kind = match self.peek() {
            Some('{') => self.object(depth)?,
            Some('[') => self.list(depth)?,
            Some('"') => Kind::Text(self.string()?),
            Some('-' | '0'..='9') => self.number()?,
            Some('a'..='z' | 'A'..='Z') => self.word()?,
            None => return Err(self.fault("the file ends in the middle", "close every bracket and quote")),
            Some(c) => return Err(self.unexpected(c, "a value")),
        };
        Ok(Node { at, kind })
    }

    fn object(&mut self, depth: usize) -> Result<Kind, Fault> {
        self.advance();
        let mut fields: Vec<Field> = Vec::new();
        loop {
            self.skip_space();
            match self.peek() {
                Some('}') if fields.is_empty() => break,
                Some('}') => return Err(self.trailing_comma()),
                Some('"') => {}
                Some(c) => return Err(self.unexpected(c, "the name of a field in double quotes")),
                None => return Err(self.fault("the object is not closed", "write } at its end")),
            }
            let at = self.at;
            let name = self.string()?;
            self.skip_space();
            if self.peek() != Some(':') {
                return Err(
                    self.fault(&format!("no colon after \"{}\"", shown(&name)), "write : and the value")
                );
            }
            self.advance();
            self.skip_space();
            let value = self.value(depth + 1)?;
            fields.push(Field { name, at, value });
            if !self.next_of_many('}')? {
                break;
            }
        }
        self.advance();
        only_once(&fields)?;
        Ok(Kind::Object(fields))
    }

    fn list(&mut self, depth: usize) -> Result<Kind, Fault> {
        self.advance();
        let mut values = Vec::new();
        loop {
            self.skip_space();
            match self.peek() {
                Some(']') if values.is_empty() => break,
                Some(']') => return Err(self.trailing_comma()),
                Some(_) => values.push(self.value(depth + 1)?),
                None => return Err(self.fault("the list is not closed", "write ] at its end")),
            }
            if !self.next_of_many(']')? {
                break;
            }
        }
        self.advance();
        Ok(Kind::List(values))
    }

    /// After a value: a comma (true) or the closing bracket, which is left in place (false).
    fn next_of_many(&mut self, close: char) -> Result<bool, Fault> {
        self.skip_space();
        match self.peek() {
            Some(',') => {
                self.advance();
                Ok(true)
            }
            Some(c) if c == close => Ok(false),
            Some('"' | '{' | '[') => {
                Err(self.fault("a comma is missing before this", "write , between two values"))
            }
            Some(c) => Err(self.unexpected(c, &format!("a comma or {close}"))),
            None => {
                Err(self.fault("the file ends in the middle", &format!("write {close} where it belongs")))
            }
        }
    }

    fn string(&mut self) -> Result<String, Fault> {
        let start = self.at;
        self.advance();
        let mut words = String::new();
        loop {
            match self.peek() {
                Some('"') => {
                    self.advance();
                    return Ok(words);
                }
                Some('\\') => words.push(self.escape()?),
                Some(c) if c < ' ' => {
                    let what = "the text is not closed in its line".to_owned();
                    let instead = "write \" at its end, or \\n for a new line".to_owned();
                    return Err(Fault { at: start, path: String::new(), what, instead });
                }
                Some(_) => words.push_str(self.plain()),
                None => return Err(self.fault("the text is not closed", "write \" at its end")),
            }
        }
    }

    /// The characters up to the next quote, backslash or control character, all at once.
    fn plain(&mut self) -> &str {
        let special = |b: u8| matches!(b, b'"' | b'\\' | 0..b' ');
        let end = self.rest.bytes().position(special).unwrap_or(self.rest.len());
        let (plain, rest) = self.rest.split_at(end);
        let chars = u32::try_from(plain.chars().count()).unwrap_or(u32::MAX);
        self.at.column = self.at.column.saturating_add(chars);
        self.rest = rest;
        plain
    }

    fn escape(&mut self) -> Result<char, Fault> {
        self.advance();
        let c = match self.peek() {
            Some(c @ ('"' | '\\' | '/')) => c,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => return self.unicode(),
            _ => return Err(self.fault("this is no escape sequence of JSON", "write \\\\ for a backslash")),
        };
        self.advance();
        Ok(c)
    }

    fn unicode(&mut self) -> Result<char, Fault> {
        let first = self.four_digits()?;
        let code = if (0xd800..0xdc00).contains(&first) && self.rest.starts_with("\\u") {
            self.advance();
            let second = self.four_digits()?;
            match second {
                0xdc00..0xe000 => 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00),
                _ => first,
            }
        } else {
            first
        };
        char::from_u32(code)
            .ok_or_else(|| self.fault("this is half a character", "write both halves of the pair"))
    }

    /// At the `u` of an escape.
    fn four_digits(&mut self) -> Result<u32, Fault> {
        self.advance();
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|c| c.to_digit(16));
            code = code * 16 + digit.ok_or_else(|| self.fault("\\u takes four hex digits", "write them"))?;
            self.advance();
        }
        Ok(code)
    }

    fn number(&mut self) -> Result<Kind, Fault> {
        let start = self.at;
        let mut digits = String::new();
        while let Some(c) = self.peek().filter(|c| matches!(c, '-' | '+' | '.' | 'e' | 'E' | '0'..='9')) {
            digits.push(c);
            self.advance();
        }
        let whole = digits.strip_prefix('-').unwrap_or(&digits);
        let plain = whole.split_once('.').map_or((whole, "0"), |(whole, fraction)| (whole, fraction));
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let leading_zero = plain.0.len() > 1 && plain.0.starts_with('0');
        if all_digits(plain.0) && all_digits(plain.1) && !leading_zero {
            return Ok(Kind::Number(digits));
        }
        let what = format!("\"{}\" is not a number as the catalog uses them", shown(&digits));
        Err(Fault { at: start, path: String::new(), what, instead: "write plain digits".to_owned() })
    }

    fn word(&mut self) -> Result<Kind, Fault> {
        let start = self.at;
        let mut word = String::new();
        while let Some(c) = self.peek().filter(|c| c.is_ascii_alphanumeric() || *c == '_') {
            word.push(c);
            self.advance();
        }
        match word.as_str() {
            "true" => Ok(Kind::Bool(true)),
            "false" => Ok(Kind::Bool(false)),
            "null" => Ok(Kind::Null),
            _ => {
                let what = format!("{} stands without quotes", shown(&word));
                Err(Fault {
                    at: start,
                    path: String::new(),
                    what,
                    instead: format!("write \"{}\"", shown(&word)),
                })
            }
        }
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r')) {
            self.advance();
        }
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn advance(&mut self) {
        let mut chars = self.rest.chars();
        match chars.next() {
            Some('\n') => {
                self.at.line = self.at.line.saturating_add(1);
                self.at.column = 1;
            }
            Some(_) => self.at.column = self.at.column.saturating_add(1),
            None => {}
        }
        self.rest = chars.as_str();
    }

    fn trailing_comma(&self) -> Fault {
        self.fault("there is a comma before the closing bracket", "remove the comma")
    }

    fn unexpected(&self, c: char, wanted: &str) -> Fault {
        let instead = match c {
            '\'' | '“' | '”' | '„' | '‘' | '’' => "use straight double quotes: \"".to_owned(),
            '/' | '#' => "remove the comment: JSON has none".to_owned(),
            _ => format!("write {wanted}"),
        };
        self.fault(&format!("\"{}\" cannot stand here", shown(c.encode_utf8(&mut [0; 4]))), &instead)
    }

    fn fault(&self, what: &str, instead: &str) -> Fault {
        Fault { at: self.at, path: String::new(), what: what.to_owned(), instead: instead.to_owned() }
    }
}

fn only_once(fields: &[Field]) -> Result<(), Fault> {
    let mut by_name: Vec<&Field> = fields.iter().collect();
    by_name.sort_by(|a, b| a.name.cmp(&b.name));
    let Some(twice) = by_name.windows(2).find(|pair| pair[0].name == pair[1].name) else { return Ok(()) };
    let what =
        format!("the field \"{}\" is there twice, first in line {}", shown(&twice[0].name), twice[0].at.line);
    Err(Fault { at: twice[1].at, path: String::new(), what, instead: "keep one of them".to_owned() })
}
