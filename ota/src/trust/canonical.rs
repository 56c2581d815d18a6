//! The bytes that are signed: canonical JSON of OLPC. Sorted keys, no spaces, whole numbers only; in texts only the
//! quotation mark and the backslash are escaped.

use serde_json::Value;

/// `None`: there is a number that is not whole.
pub(crate) fn canonical(value: &Value) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    write(value, &mut bytes)?;
    Some(bytes)
}

fn write(value: &Value, out: &mut Vec<u8>) -> Option<()> {
    match value {
        Value::Null => out.extend(b"null"),
        Value::Bool(true) => out.extend(b"true"),
        Value::Bool(false) => out.extend(b"false"),
        Value::Number(number) if number.is_i64() || number.is_u64() => out.extend(number.to_string().bytes()),
        Value::Number(_) => return None,
        Value::String(text) => string(text, out),
        Value::Array(values) => {
            out.push(b'[');
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write(value, out)?;
            }
            out.push(b']');
        }
        Value::Object(fields) => {
            // Rust orders texts by their bytes, which for UTF-8 is the order of code points.
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_unstable_by_key(|(name, _)| *name);
            out.push(b'{');
            for (at, (name, value)) in sorted.into_iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                string(name, out);
                out.push(b':');
                write(value, out)?;
            }
            out.push(b'}');
        }
    }
    Some(())
}

fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_sorted_and_only_two_characters_are_escaped() {
        let value = serde_json::json!({"b": [1, -2, true, null], "a": "x\"\\\n\u{e9}", "B": {}});
        let text = String::from_utf8(canonical(&value).unwrap()).unwrap();
        assert_eq!(text, "{\"B\":{},\"a\":\"x\\\"\\\\\n\u{e9}\",\"b\":[1,-2,true,null]}");
        assert_eq!(canonical(&serde_json::json!([0.5])), None);
    }
}
