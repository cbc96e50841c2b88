//! JSON as a person would lay it out: what fits on a line stands on one.

use serde_json::Value;

/// The longest line.
const COLUMNS: usize = 110;

/// A descriptor as a file.
pub(super) fn text(value: &Value) -> String {
    let mut text = String::new();
    push(&mut text, value, (0, 0));
    text.push('\n');
    text
}

/// Writes a value that begins behind so many characters on a line that is indented by so many.
fn push(text: &mut String, value: &Value, (indent, taken): (usize, usize)) {
    let line = on_one_line(value);
    // The top level always stands on lines of its own.
    if (indent > 0 && taken + line.chars().count() < COLUMNS) || is_plain(value) {
        text.push_str(&line);
        return;
    }
    let inner = indent + 2;
    let (open, close, entries): (char, char, Vec<(String, &Value)>) = match value {
        Value::Object(object) => {
            let entries = object.iter().map(|(key, value)| (format!("{}: ", quoted(key)), value));
            ('{', '}', entries.collect())
        }
        Value::Array(list) => ('[', ']', list.iter().map(|value| (String::new(), value)).collect()),
        _ => return,
    };
    text.push(open);
    for (index, (key, value)) in entries.iter().enumerate() {
        text.push_str(if index == 0 { "\n" } else { ",\n" });
        text.push_str(&" ".repeat(inner));
        text.push_str(key);
        push(text, value, (inner, inner + key.chars().count()));
    }
    text.push('\n');
    text.push_str(&" ".repeat(indent));
    text.push(close);
}

fn is_plain(value: &Value) -> bool {
    match value {
        Value::Object(object) => object.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => true,
    }
}

fn on_one_line(value: &Value) -> String {
    match value {
        Value::Object(object) if !object.is_empty() => {
            let entries: Vec<String> = object
                .iter()
                .map(|(key, value)| format!("{}: {}", quoted(key), on_one_line(value)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Value::Array(list) => {
            let entries: Vec<String> = list.iter().map(on_one_line).collect();
            format!("[{}]", entries.join(", "))
        }
        other => other.to_string(),
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_fits_on_a_line_stands_on_one() {
        let value =
            json!({ "name": "x\"", "empty": {}, "fields": [{ "name": "a" }, { "name": "b".repeat(100) }] });
        let expected = format!(
            "{{\n  \"name\": \"x\\\"\",\n  \"empty\": {{}},\n  \"fields\": [\n    {{ \"name\": \"a\" }},\n    {{\n      \
             \"name\": \"{}\"\n    }}\n  ]\n}}\n",
            "b".repeat(100)
        );
        assert_eq!(text(&value), expected);
    }

    #[test]
    fn it_is_the_same_value() {
        let value = json!({ "a": [1, 2.5, null, true, "é\n"], "b": { "c": [[], {}] }, "d": vec!["x"; 60] });
        assert_eq!(serde_json::from_str::<Value>(&text(&value)).unwrap(), value);
    }
}
