//! The words of a formula.

use std::fmt;

use rust_decimal::Decimal;

use super::FormulaError;

/// One word.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Number(Decimal),
    Text(String),
    Column(String),
    Keyword(Keyword),
    Symbol(&'static str),
    End,
}

/// A name that means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    And,
    Or,
    Not,
    In,
    Is,
    True,
    False,
    None,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Column(name) => write!(f, "the column `{name}`"),
            Self::Keyword(keyword) => write!(f, "`{}`", keyword.as_str()),
            Self::Symbol(symbol) => write!(f, "`{symbol}`"),
            Self::End => f.write_str("the end of the formula"),
        }
    }
}

impl Keyword {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "and" => Self::And,
            "or" => Self::Or,
            "not" => Self::Not,
            "in" => Self::In,
            "is" => Self::Is,
            "True" | "true" => Self::True,
            "False" | "false" => Self::False,
            "None" | "null" => Self::None,
            _ => return None,
        })
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::And => "and",
            Self::Or => "or",
            Self::Not => "not",
            Self::In => "in",
            Self::Is => "is",
            Self::True => "True",
            Self::False => "False",
            Self::None => "None",
        }
    }
}

/// Symbols, longer ones first.
const SYMBOLS: [&str; 16] =
    ["<=", ">=", "==", "!=", "<", ">", "+", "-", "*", "/", "%", "(", ")", "[", "]", ","];

/// What people write who come from other languages, and what it is called here.
const FOREIGN: [(&str, &str); 11] = [
    ("&&", "`&&` is not known here: write `and`"),
    ("||", "`||` is not known here: write `or`"),
    ("<>", "`<>` is not known here: write `!=`"),
    ("**", "powers are not known here: write a product such as `a * a`"),
    ("//", "`//` is not known here: write `/`"),
    ("=<", "`=<` is not known here: write `<=`"),
    ("=>", "`=>` is not known here: write `>=`"),
    ("===", "`===` is not known here: write `==`"),
    ("&", "`&` is not known here: write `and`"),
    ("|", "`|` is not known here: write `or`"),
    (".", "`.` is not known here: write a column name with a dot in backticks, as in `` `a.b` ``"),
];

/// Cuts a formula into words, each with the position of its first character, counted from 1.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, usize)>, FormulaError> {
    let mut lexer = Lexer { rest: text, position: 1 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_spaces();
        let position = lexer.position;
        let token = lexer.token()?;
        let end = token == Token::End;
        tokens.push((token, position));
        if end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'t> {
    rest: &'t str,
    position: usize,
}

impl<'t> Lexer<'t> {
    fn skip_spaces(&mut self) {
        self.take_while(char::is_whitespace);
    }

    fn token(&mut self) -> Result<Token, FormulaError> {
        let mut characters = self.rest.chars();
        let Some(first) = characters.next() else { return Ok(Token::End) };
        let second_is_digit = characters.next().is_some_and(|c| c.is_ascii_digit());
        if first.is_ascii_digit() || (first == '.' && second_is_digit) {
            return self.number();
        }
        match first {
            '\'' | '"' => self.quoted(first),
            '`' => self.backquoted(),
            _ if first == '_' || first.is_alphabetic() => Ok(self.name()),
            _ => self.symbol(first),
        }
    }

    fn name(&mut self) -> Token {
        let name = self.take_while(|c| c == '_' || c.is_alphanumeric());
        Keyword::of(name).map_or_else(|| Token::Column(name.to_owned()), Token::Keyword)
    }

    fn number(&mut self) -> Result<Token, FormulaError> {
        let position = self.position;
        let whole = self.rest;
        self.take_while(|c| c.is_ascii_digit() || c == '.');
        if self.rest.starts_with(['e', 'E']) {
            self.take(1);
            if self.rest.starts_with(['+', '-']) {
                self.take(1);
            }
            self.take_while(|c| c.is_ascii_digit());
        }
        self.take_while(|c| c == '_' || c.is_alphanumeric());
        let written = whole.get(..whole.len() - self.rest.len()).unwrap_or_default();
        decimal(written).map(Token::Number).ok_or_else(|| FormulaError {
            position,
            message: format!(
                "{written:?} is not a number that can be kept exactly: write digits and at most one point, \
                 28 digits in all, such as 10 or 0.25"
            ),
        })
    }

    fn quoted(&mut self, quote: char) -> Result<Token, FormulaError> {
        let opened = self.position;
        self.take(quote.len_utf8());
        let mut text = String::new();
        loop {
            text.push_str(self.take_while(|c| c != quote && c != '\\'));
            let at = self.position;
            let mut characters = self.rest.chars();
            match (characters.next(), characters.next()) {
                (None, _) => {
                    return Err(FormulaError {
                        position: opened,
                        message: format!("a text is opened and never closed: end it with {quote}"),
                    });
                }
                (Some('\\'), Some(escaped)) => {
                    text.push(unescaped(escaped).ok_or_else(|| FormulaError {
                        position: at,
                        message: format!(
                            "`\\{escaped}` is not known: write `\\\\` for a backslash, `\\'`, `\\\"`, `\\n` or `\\t`"
                        ),
                    })?);
                    self.take(1 + escaped.len_utf8());
                }
                (Some('\\'), None) => self.take(1),
                (Some(_), _) => {
                    self.take(quote.len_utf8());
                    return Ok(Token::Text(text));
                }
            }
        }
    }

    fn backquoted(&mut self) -> Result<Token, FormulaError> {
        let position = self.position;
        self.take(1);
        let name = self.take_while(|c| c != '`').to_owned();
        let message = if self.rest.is_empty() {
            "a column name is opened and never closed: end it with a backtick"
        } else if name.is_empty() {
            "there is no name between the backticks: write a column name there"
        } else {
            self.take(1);
            return Ok(Token::Column(name));
        };
        Err(FormulaError { position, message: message.to_owned() })
    }

    fn symbol(&mut self, first: char) -> Result<Token, FormulaError> {
        let refuse = |message: String| Err(FormulaError { position: self.position, message });
        if let Some((_, message)) = FOREIGN.iter().find(|(foreign, _)| self.rest.starts_with(foreign)) {
            return refuse((*message).to_owned());
        }
        if let Some(symbol) = SYMBOLS.iter().find(|symbol| self.rest.starts_with(**symbol)) {
            self.take(symbol.len());
            return Ok(Token::Symbol(symbol));
        }
        match first {
            '=' => refuse("a single `=` is not known here: write `==` to compare".to_owned()),
            '!' => refuse("`!` is not known here: write `not`, or `!=` to compare".to_owned()),
            _ => refuse(format!(
                "{first:?} is not known here: write columns, numbers, texts in quotes, operators and parentheses"
            )),
        }
    }

    /// Moves on by so many bytes, which end at a character.
    fn take(&mut self, bytes: usize) {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.position += taken.chars().count();
        self.rest = rest;
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'t str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let taken = self.rest.get(..end).unwrap_or_default();
        self.take(end);
        taken
    }
}

fn unescaped(escaped: char) -> Option<char> {
    match escaped {
        '\\' | '\'' | '"' => Some(escaped),
        'n' => Some('\n'),
        't' => Some('\t'),
        _ => None,
    }
}

/// A number as it is written, or nothing where a decimal cannot hold all of it.
fn decimal(written: &str) -> Option<Decimal> {
    // The decimal crate would read over underscores.
    if written.contains('_') {
        return None;
    }
    let plain = Decimal::from_str_exact(written).ok();
    plain.or_else(|| written.contains(['e', 'E']).then(|| Decimal::from_scientific(written).ok()).flatten())
}
