//! Whether a formula can have a value at all.
//!
//! A number compared with a text has none, whatever the record: a rule like that would never reject anything, so
//! it is better refused when the contract is read.

use super::tree::{Link, Node};

/// What a value is, as far as formulas tell values apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number.
    Number,
    /// A boolean.
    Boolean,
    /// A text, a date, a time.
    Text,
}

impl Kind {
    fn described(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Boolean => "a truth value",
            Self::Text => "a text",
        }
    }
}

/// The kind of a node's value; nothing where it is not known.
pub(super) fn of(node: &Node, column: &impl Fn(usize) -> Option<Kind>) -> Result<Option<Kind>, String> {
    let all = |nodes: &[Node]| nodes.iter().try_for_each(|node| condition(of(node, column)?));
    match node {
        Node::Null => Ok(None),
        Node::Number(_) => Ok(Some(Kind::Number)),
        Node::Boolean(_) => Ok(Some(Kind::Boolean)),
        Node::Text(_) => Ok(Some(Kind::Text)),
        Node::Column(index) => Ok(column(*index)),
        Node::Negate(inner) => number(of(inner, column)?),
        Node::Arithmetic(first, rest) => {
            number(of(first, column)?)?;
            for (_, node) in rest {
                number(of(node, column)?)?;
            }
            Ok(Some(Kind::Number))
        }
        Node::Compare(first, links) => {
            comparison(first, links, column)?;
            Ok(Some(Kind::Boolean))
        }
        Node::Not(inner) => condition(of(inner, column)?).map(|()| Some(Kind::Boolean)),
        Node::And(nodes) | Node::Or(nodes) => all(nodes).map(|()| Some(Kind::Boolean)),
    }
}

fn number(kind: Option<Kind>) -> Result<Option<Kind>, String> {
    match kind {
        None | Some(Kind::Number) => Ok(Some(Kind::Number)),
        Some(other) => Err(format!(
            "{} cannot be computed with: compute with numbers, and with fields of type integer, number or year",
            other.described()
        )),
    }
}

fn condition(kind: Option<Kind>) -> Result<(), String> {
    match kind {
        None | Some(Kind::Boolean) => Ok(()),
        Some(other) => Err(format!(
            "`and`, `or` and `not` join conditions such as `a > 0`, and here stands {}",
            other.described()
        )),
    }
}

fn comparison(first: &Node, links: &[Link], column: &impl Fn(usize) -> Option<Kind>) -> Result<(), String> {
    let mut left = of(first, column)?;
    for link in links {
        match link {
            Link::Compare(_, node) => {
                let right = of(node, column)?;
                comparable(left, right)?;
                left = right;
            }
            Link::In { members, .. } => {
                members.iter().try_for_each(|node| comparable(left, of(node, column)?))?;
            }
            Link::IsNull { .. } => {}
        }
    }
    Ok(())
}

fn comparable(left: Option<Kind>, right: Option<Kind>) -> Result<(), String> {
    match left.zip(right) {
        Some((left, right)) if left != right => Err(format!(
            "{} is compared with {}, which never holds: compare values of one type; texts and dates stand in quotes, \
             numbers do not",
            left.described(),
            right.described()
        )),
        _ => Ok(()),
    }
}
