//! A value of a descriptor, where it stands, and where to say what is wrong with it.

use std::cell::Cell;

use rust_decimal::Decimal;
use serde_json::{Map, Number, Value};

use super::Problem;
use super::suggestion::suggestion;

/// The most problems that one contract is told about.
const MAX_PROBLEMS: usize = 500;
/// The longest piece of a value that a message repeats, in characters.
const MAX_SHOWN: usize = 60;

/// What was found wrong so far.
#[derive(Default)]
pub(super) struct Problems(Cell<Vec<Problem>>);

impl Problems {
    pub(super) fn add(&self, pointer: &str, message: impl Into<String>) {
        let mut found = self.0.take();
        if found.len() < MAX_PROBLEMS {
            found.push(Problem { pointer: pointer.to_owned(), message: message.into() });
        }
        self.0.set(found);
    }

    /// All of them, in the order of the document; what is missing comes after what is there.
    pub(super) fn in_order_of(self, document: &Value) -> Vec<Problem> {
        let mut found = self.0.into_inner();
        found.sort_by_cached_key(|problem| position(document, &problem.pointer));
        found.dedup();
        found
    }
}

fn position(document: &Value, pointer: &str) -> Vec<usize> {
    let mut here = Some(document);
    let mut position = Vec::new();
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        let (index, next) = match here {
            Some(Value::Object(map)) => (map.keys().position(|key| *key == token), map.get(&token)),
            Some(Value::Array(items)) => {
                let index = token.parse().ok();
                (index, index.and_then(|index: usize| items.get(index)))
            }
            _ => (None, None),
        };
        position.push(index.unwrap_or(usize::MAX));
        here = next;
    }
    position
}

/// The pointer to a member of what `pointer` points to (RFC 6901, section 3).
pub(super) fn member(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// A value as a message repeats it.
pub(super) fn shown(value: &Value) -> String {
    let text = match value {
        Value::Array(_) => return "a list".to_owned(),
        Value::Object(_) => return "an object".to_owned(),
        Value::Null => return "null".to_owned(),
        other => other.to_string(),
    };
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// A name in quotes, as a message repeats it.
pub(super) fn quoted(name: &str) -> String {
    shown(&Value::from(name))
}

/// A value of the document.
#[derive(Clone)]
pub(super) struct Node<'a> {
    pub(super) value: &'a Value,
    pub(super) pointer: String,
    problems: &'a Problems,
}

impl<'a> Node<'a> {
    pub(super) fn root(value: &'a Value, problems: &'a Problems) -> Self {
        Self { value, pointer: String::new(), problems }
    }

    /// Says what is wrong.
    pub(super) fn refuse(&self, message: impl Into<String>) {
        self.problems.add(&self.pointer, message);
    }

    /// Says that this is not what it should be.
    pub(super) fn is_not(&self, expected: &str) {
        self.refuse(format!("{} is not {expected}", shown(self.value)));
    }

    pub(super) fn object(&self, expected: &str) -> Option<Object<'a>> {
        let map = self.value.as_object();
        if map.is_none() {
            self.is_not(expected);
        }
        Some(Object { map: map?, pointer: self.pointer.clone(), problems: self.problems })
    }

    /// The members of a list; none where it is no list.
    pub(super) fn items(&self, expected: &str, most: usize) -> Vec<Node<'a>> {
        let Some(items) = self.value.as_array() else {
            self.is_not(expected);
            return Vec::new();
        };
        if items.len() > most {
            self.refuse(format!("{} entries are too many: at most {most} are allowed", items.len()));
            return Vec::new();
        }
        let item = |(index, value): (usize, &'a Value)| Self {
            value,
            pointer: format!("{}/{index}", self.pointer),
            problems: self.problems,
        };
        items.iter().enumerate().map(item).collect()
    }

    pub(super) fn text(&self, expected: &str) -> Option<&'a str> {
        let text = self.value.as_str();
        if text.is_none() {
            self.is_not(expected);
        }
        text
    }

    /// A text that people read: on one line, not blank, of bounded length.
    pub(super) fn label(&self, expected: &str, most: usize) -> Option<&'a str> {
        let text = self.text(expected)?;
        if text.trim().is_empty() {
            self.refuse(format!("a blank text is not {expected}"));
        } else if text.chars().count() > most {
            self.refuse(format!("the text is too long: at most {most} characters are allowed"));
        } else if text.chars().any(char::is_control) {
            self.refuse("control characters and line breaks are not allowed here: write it on one line");
        } else {
            return Some(text);
        }
        None
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        let truth = self.value.as_bool();
        if truth.is_none() {
            self.is_not("a boolean: write true or false, without quotes");
        }
        truth
    }

    pub(super) fn count(&self) -> Option<usize> {
        let count = self.value.as_u64().and_then(|count| usize::try_from(count).ok());
        if count.is_none() {
            self.is_not("a length: write a whole number of 0 or more, such as 3, without quotes");
        }
        count
    }

    /// A JSON number, exactly.
    pub(super) fn decimal(&self, expected: &str) -> Option<Decimal> {
        match self.value {
            Value::Number(number) => {
                let exact = exact(number);
                if exact.is_none() {
                    self.is_not("a number that can be kept exactly: write at most 15 digits");
                }
                exact
            }
            _ => {
                self.is_not(expected);
                None
            }
        }
    }
}

/// A JSON number as a decimal; nothing where reading it as a binary fraction may have altered it, which it cannot
/// have up to 15 significant digits.
pub(super) fn exact(number: &Number) -> Option<Decimal> {
    let text = number.to_string();
    let decimal =
        Decimal::from_str_exact(&text).or_else(|_| Decimal::from_scientific(&text)).ok()?.normalize();
    let altered = number.is_f64() && decimal.mantissa().unsigned_abs() >= 1_000_000_000_000_000;
    (!altered).then_some(decimal)
}

/// An object of the document.
#[derive(Clone)]
pub(super) struct Object<'a> {
    map: &'a Map<String, Value>,
    pub(super) pointer: String,
    problems: &'a Problems,
}

impl<'a> Object<'a> {
    pub(super) fn get(&self, key: &str) -> Option<Node<'a>> {
        let value = self.map.get(key)?;
        Some(Node { value, pointer: member(&self.pointer, key), problems: self.problems })
    }

    /// A member that must be there.
    pub(super) fn required(&self, key: &str, expected: &str) -> Option<Node<'a>> {
        let found = self.get(key);
        if found.is_none() {
            self.problems.add(&member(&self.pointer, key), format!("{key} is missing: write {expected}"));
        }
        found
    }

    pub(super) fn flag(&self, key: &str) -> bool {
        self.get(key).and_then(|node| node.boolean()).unwrap_or_default()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.map.keys().map(String::as_str)
    }

    /// Refuses keys that mean nothing here, and those that mean something that Gristmill cannot do.
    pub(super) fn only(&self, known: &[&str], unsupported: &[(&str, &str)]) {
        for key in self.keys() {
            let pointer = member(&self.pointer, key);
            if let Some((_, advice)) = unsupported.iter().find(|(name, _)| *name == key) {
                self.problems.add(&pointer, format!("{key} is not supported yet: {advice}"));
            } else if !known.contains(&key) {
                let message = suggestion("key", key, known.iter().copied());
                self.problems.add(&pointer, message);
            }
        }
    }
}
