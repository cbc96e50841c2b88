//! A formula as it is evaluated.

use std::cmp::Ordering;

use rust_decimal::Decimal;

use super::{Cells, Operand};

/// A part of a formula.
///
/// Operators of equal rank stand side by side in one node, so that a long sum is not a deep one and the depth of
/// the tree is bounded by [`super::MAX_NESTING`].
#[derive(Debug, Clone)]
pub(super) enum Node {
    Null,
    Number(Decimal),
    Boolean(bool),
    Text(String),
    Column(usize),
    Negate(Box<Node>),
    Arithmetic(Box<Node>, Vec<(Arithmetic, Node)>),
    Compare(Box<Node>, Vec<Link>),
    Not(Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
}

/// An operator on two numbers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// An operator that compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}

/// One link of a chain of comparisons: `a < b < c` has two, which share `b`.
#[derive(Debug, Clone)]
pub(super) enum Link {
    Compare(Comparison, Node),
    In { members: Vec<Node>, negated: bool },
    IsNull { negated: bool },
}

impl Node {
    pub(super) fn evaluate<'a>(&'a self, cells: &'a impl Cells) -> Operand<'a> {
        match self {
            Self::Null => Operand::Null,
            Self::Number(number) => Operand::Number(*number),
            Self::Boolean(truth) => Operand::Boolean(*truth),
            Self::Text(text) => Operand::Text(text),
            Self::Column(index) => cells.cell(*index),
            Self::Negate(inner) => match inner.evaluate(cells) {
                Operand::Number(number) => Operand::Number(-number),
                _ => Operand::Null,
            },
            Self::Arithmetic(first, rest) => arithmetic(first, rest, cells),
            Self::Compare(first, links) => truth(compare(first, links, cells)),
            Self::Not(inner) => truth(inner.truth(cells).map(|known| !known)),
            Self::And(nodes) => truth(all(nodes.iter().map(|node| node.truth(cells)))),
            Self::Or(nodes) => truth(any(nodes.iter().map(|node| node.truth(cells)))),
        }
    }

    fn truth(&self, cells: &impl Cells) -> Option<bool> {
        match self.evaluate(cells) {
            Operand::Boolean(truth) => Some(truth),
            _ => None,
        }
    }

    /// How many nodes stand above each other, this one included.
    pub(super) fn depth(&self) -> usize {
        let below = match self {
            Self::Null | Self::Number(_) | Self::Boolean(_) | Self::Text(_) | Self::Column(_) => 0,
            Self::Negate(inner) | Self::Not(inner) => inner.depth(),
            Self::And(nodes) | Self::Or(nodes) => deepest(nodes),
            Self::Arithmetic(first, rest) => first.depth().max(deepest(rest.iter().map(|(_, node)| node))),
            Self::Compare(first, links) => {
                first.depth().max(links.iter().map(Link::depth).max().unwrap_or_default())
            }
        };
        below + 1
    }
}

impl Link {
    fn depth(&self) -> usize {
        match self {
            Self::Compare(_, node) => node.depth(),
            Self::In { members, .. } => deepest(members),
            Self::IsNull { .. } => 0,
        }
    }
}

fn deepest<'n>(nodes: impl IntoIterator<Item = &'n Node>) -> usize {
    nodes.into_iter().map(Node::depth).max().unwrap_or_default()
}

fn truth<'a>(known: Option<bool>) -> Operand<'a> {
    known.map_or(Operand::Null, Operand::Boolean)
}

/// Kleene's `and`: one that is false settles it, otherwise one that is unknown leaves it unknown.
fn all(truths: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut result = Some(true);
    for truth in truths {
        match truth {
            Some(false) => return Some(false),
            Some(true) => {}
            None => result = None,
        }
    }
    result
}

/// Kleene's `or`: one that is true settles it, otherwise one that is unknown leaves it unknown.
fn any(truths: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    all(truths.map(|truth| truth.map(|known| !known))).map(|known| !known)
}

fn arithmetic<'a>(first: &Node, rest: &[(Arithmetic, Node)], cells: &impl Cells) -> Operand<'a> {
    let Operand::Number(mut result) = first.evaluate(cells) else { return Operand::Null };
    for (operator, node) in rest {
        let Operand::Number(number) = node.evaluate(cells) else { return Operand::Null };
        match operator.apply(result, number) {
            Some(next) => result = next,
            None => return Operand::Null,
        }
    }
    Operand::Number(result)
}

impl Arithmetic {
    fn apply(self, a: Decimal, b: Decimal) -> Option<Decimal> {
        match self {
            Self::Add => a.checked_add(b),
            Self::Subtract => a.checked_sub(b),
            Self::Multiply => a.checked_mul(b),
            Self::Divide => a.checked_div(b),
            Self::Remainder => floored_remainder(a, b),
        }
    }
}

/// As Python has it: the remainder has the divisor's sign.
fn floored_remainder(a: Decimal, b: Decimal) -> Option<Decimal> {
    let remainder = a.checked_rem(b)?;
    let other_side = !remainder.is_zero() && remainder.is_sign_negative() != b.is_sign_negative();
    if other_side { remainder.checked_add(b) } else { Some(remainder) }
}

fn compare(first: &Node, links: &[Link], cells: &impl Cells) -> Option<bool> {
    let mut left = first.evaluate(cells);
    all(links.iter().map(|link| match link {
        Link::Compare(comparison, node) => {
            let right = node.evaluate(cells);
            let holds = order(&left, &right).map(|order| comparison.holds(order));
            left = right;
            holds
        }
        Link::In { members, negated } => {
            let equal = |node: &Node| order(&left, &node.evaluate(cells)).map(Ordering::is_eq);
            any(members.iter().map(equal)).map(|found| found != *negated)
        }
        Link::IsNull { negated } => Some((left == Operand::Null) != *negated),
    }))
}

/// How two values of one type compare; nothing where one is missing or they are of two types.
fn order(a: &Operand<'_>, b: &Operand<'_>) -> Option<Ordering> {
    match (a, b) {
        (Operand::Number(a), Operand::Number(b)) => Some(a.cmp(b)),
        (Operand::Text(a), Operand::Text(b)) => Some(a.cmp(b)),
        (Operand::Boolean(a), Operand::Boolean(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

impl Comparison {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
        }
    }
}
