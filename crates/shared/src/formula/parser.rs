//! From words to a tree, by recursive descent.
//!
//! From the loosest to the tightest, as in Python
//! (`https://docs.python.org/3/reference/expressions.html#operator-precedence`): `or`, `and`, `not`, comparisons
//! with `in` and `is`, `+ -`, `* / %`, the sign.

use super::lexer::{Keyword, Token, tokens};
use super::tree::{Arithmetic, Comparison, Link, Node};
use super::{FormulaError, MAX_BYTES, MAX_NESTING};

const OPERAND: &str = "a column, a number, a text in quotes or `(`";

/// Reads a formula: its tree, and the columns that the tree's indexes stand for.
pub(super) fn parse(text: &str) -> Result<(Node, Vec<String>), FormulaError> {
    if text.len() > MAX_BYTES {
        return Err(FormulaError {
            position: text.char_indices().take_while(|(byte, _)| *byte < MAX_BYTES).count() + 1,
            message: format!("the formula is too long: {} bytes, where {MAX_BYTES} are allowed", text.len()),
        });
    }
    let mut parser = Parser { tokens: tokens(text)?, next: 0, columns: Vec::new(), nesting: 0 };
    let root = parser.either()?;
    if *parser.peek() != Token::End {
        return Err(parser.expected("an operator or the end of the formula"));
    }
    if root.depth() > MAX_NESTING {
        return Err(FormulaError { position: 1, message: too_deep() });
    }
    Ok((root, parser.columns))
}

fn too_deep() -> String {
    format!("the formula is nested too deeply: {MAX_NESTING} levels are allowed")
}

struct Parser {
    tokens: Vec<(Token, usize)>,
    next: usize,
    columns: Vec<String>,
    nesting: usize,
}

type Parsed = Result<Node, FormulaError>;

impl Parser {
    fn either(&mut self) -> Parsed {
        let mut nodes = vec![self.both()?];
        while self.eat(&Token::Keyword(Keyword::Or)) {
            nodes.push(self.both()?);
        }
        Ok(single(nodes, Node::Or))
    }

    fn both(&mut self) -> Parsed {
        let mut nodes = vec![self.negation()?];
        while self.eat(&Token::Keyword(Keyword::And)) {
            nodes.push(self.negation()?);
        }
        Ok(single(nodes, Node::And))
    }

    fn negation(&mut self) -> Parsed {
        if self.eat(&Token::Keyword(Keyword::Not)) {
            let inner = self.nested(Self::negation)?;
            return Ok(Node::Not(Box::new(inner)));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Parsed {
        let first = self.sum()?;
        let mut links = Vec::new();
        while let Some(comparison) = self.eat_comparison() {
            let position = self.position();
            let right = self.sum()?;
            let left = match links.last() {
                Some(Link::Compare(_, node)) => node,
                _ => &first,
            };
            let equality = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
            if equality && (matches!(left, Node::Null) || matches!(right, Node::Null)) {
                let message =
                    "a comparison with None never holds: write `is None` or `is not None`".to_owned();
                return Err(FormulaError { position, message });
            }
            links.push(Link::Compare(comparison, right));
        }
        if let Some(link) = self.last_link()? {
            links.push(link);
        }
        Ok(if links.is_empty() { first } else { Node::Compare(Box::new(first), links) })
    }

    fn eat_comparison(&mut self) -> Option<Comparison> {
        let comparison = match self.peek() {
            Token::Symbol("<") => Comparison::Less,
            Token::Symbol("<=") => Comparison::LessOrEqual,
            Token::Symbol(">") => Comparison::Greater,
            Token::Symbol(">=") => Comparison::GreaterOrEqual,
            Token::Symbol("==") => Comparison::Equal,
            Token::Symbol("!=") => Comparison::NotEqual,
            _ => return None,
        };
        self.advance();
        Some(comparison)
    }

    /// `in (…)`, `not in (…)`, `is None`, `is not None`: what they give is not compared any further.
    fn last_link(&mut self) -> Result<Option<Link>, FormulaError> {
        if self.eat(&Token::Keyword(Keyword::Is)) {
            let negated = self.eat(&Token::Keyword(Keyword::Not));
            if !self.eat(&Token::Keyword(Keyword::None)) {
                return Err(self.expected("`None`: `is` only asks whether a value is missing, `==` compares"));
            }
            return Ok(Some(Link::IsNull { negated }));
        }
        let negated = self.eat(&Token::Keyword(Keyword::Not));
        if self.eat(&Token::Keyword(Keyword::In)) {
            return Ok(Some(Link::In { members: self.nested(Self::members)?, negated }));
        }
        if negated { Err(self.expected("`in` after `not`")) } else { Ok(None) }
    }

    fn members(&mut self) -> Result<Vec<Node>, FormulaError> {
        let close = if self.eat(&Token::Symbol("(")) {
            ")"
        } else if self.eat(&Token::Symbol("[")) {
            "]"
        } else {
            return Err(self.expected("a list in parentheses, such as `(1, 2)`"));
        };
        let mut members = vec![self.either()?];
        while self.eat(&Token::Symbol(",")) {
            if *self.peek() == Token::Symbol(close) {
                break;
            }
            members.push(self.either()?);
        }
        self.close(close, &format!("`,` or `{close}`"))?;
        Ok(members)
    }

    fn sum(&mut self) -> Parsed {
        self.operations(Self::product, |token| match token {
            Token::Symbol("+") => Some(Arithmetic::Add),
            Token::Symbol("-") => Some(Arithmetic::Subtract),
            _ => None,
        })
    }

    fn product(&mut self) -> Parsed {
        self.operations(Self::sign, |token| match token {
            Token::Symbol("*") => Some(Arithmetic::Multiply),
            Token::Symbol("/") => Some(Arithmetic::Divide),
            Token::Symbol("%") => Some(Arithmetic::Remainder),
            _ => None,
        })
    }

    /// Operands with operators of one rank between them, from left to right.
    fn operations(
        &mut self,
        operand: fn(&mut Self) -> Parsed,
        operator: fn(&Token) -> Option<Arithmetic>,
    ) -> Parsed {
        let at_first = self.position();
        let first = operand(self)?;
        let mut rest = Vec::new();
        while let Some(found) = operator(self.peek()) {
            if rest.is_empty() {
                computable(&first, at_first)?;
            }
            self.advance();
            let position = self.position();
            let node = operand(self)?;
            computable(&node, position)?;
            rest.push((found, node));
        }
        Ok(if rest.is_empty() { first } else { Node::Arithmetic(Box::new(first), rest) })
    }

    fn sign(&mut self) -> Parsed {
        let minus = self.eat(&Token::Symbol("-"));
        if !minus && !self.eat(&Token::Symbol("+")) {
            return self.primary();
        }
        let position = self.position();
        let inner = self.nested(Self::sign)?;
        computable(&inner, position)?;
        Ok(match inner {
            Node::Number(number) => Node::Number(if minus { -number } else { number }),
            // A sign in front asks for a number, whichever sign it is.
            inner if minus => Node::Negate(Box::new(inner)),
            inner => Node::Negate(Box::new(Node::Negate(Box::new(inner)))),
        })
    }

    fn primary(&mut self) -> Parsed {
        let position = self.position();
        match self.peek().clone() {
            Token::Number(number) => Ok(self.leaf(Node::Number(number))),
            Token::Text(text) => Ok(self.leaf(Node::Text(text))),
            Token::Keyword(Keyword::True) => Ok(self.leaf(Node::Boolean(true))),
            Token::Keyword(Keyword::False) => Ok(self.leaf(Node::Boolean(false))),
            Token::Keyword(Keyword::None) => Ok(self.leaf(Node::Null)),
            Token::Column(name) => {
                self.advance();
                if *self.peek() == Token::Symbol("(") {
                    let message = format!("there is no function `{name}`: formulas have operators only");
                    return Err(FormulaError { position, message });
                }
                Ok(Node::Column(self.column(name)))
            }
            Token::Symbol("(") => {
                self.advance();
                let inner = self.nested(Self::either)?;
                self.close(")", "an operator or `)`")?;
                Ok(inner)
            }
            Token::Keyword(_) | Token::Symbol(_) | Token::End => Err(self.expected(OPERAND)),
        }
    }

    fn leaf(&mut self, node: Node) -> Node {
        self.advance();
        node
    }

    fn column(&mut self, name: String) -> usize {
        self.columns.iter().position(|known| *known == name).unwrap_or_else(|| {
            self.columns.push(name);
            self.columns.len() - 1
        })
    }

    /// Goes one level deeper, or stops before the stack of calls grows with the input.
    fn nested<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, FormulaError>,
    ) -> Result<T, FormulaError> {
        if self.nesting >= MAX_NESTING {
            return Err(FormulaError { position: self.position(), message: too_deep() });
        }
        self.nesting += 1;
        let result = inner(self);
        self.nesting -= 1;
        result
    }

    fn peek(&self) -> &Token {
        self.tokens.get(self.next).map_or(&Token::End, |(token, _)| token)
    }

    fn position(&self) -> usize {
        self.tokens.get(self.next).or(self.tokens.last()).map_or(1, |(_, position)| *position)
    }

    fn advance(&mut self) {
        self.next += 1;
    }

    fn eat(&mut self, token: &Token) -> bool {
        let found = self.peek() == token;
        if found {
            self.advance();
        }
        found
    }

    fn close(&mut self, bracket: &'static str, expected: &str) -> Result<(), FormulaError> {
        if self.eat(&Token::Symbol(bracket)) { Ok(()) } else { Err(self.expected(expected)) }
    }

    fn expected(&self, what: &str) -> FormulaError {
        FormulaError { position: self.position(), message: format!("expected {what}, found {}", self.peek()) }
    }
}

fn single(mut nodes: Vec<Node>, several: fn(Vec<Node>) -> Node) -> Node {
    match nodes.pop() {
        Some(only) if nodes.is_empty() => only,
        last => {
            nodes.extend(last);
            several(nodes)
        }
    }
}

/// Refuses a sum or a product that could never have a value.
fn computable(node: &Node, position: usize) -> Result<(), FormulaError> {
    let what = match node {
        Node::Text(_) => "a text",
        Node::Boolean(_) | Node::Compare(..) | Node::Not(_) | Node::And(_) | Node::Or(_) => "a truth value",
        _ => return Ok(()),
    };
    let message = format!("{what} cannot be computed with: write a column or a number");
    Err(FormulaError { position, message })
}
