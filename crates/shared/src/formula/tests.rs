use proptest::prelude::*;

use super::*;

struct Row(Vec<(&'static str, Operand<'static>)>);

/// A row as one formula sees it.
struct Seen<'r> {
    row: &'r Row,
    columns: &'r [String],
}

impl Cells for Seen<'_> {
    fn cell(&self, column: usize) -> Operand<'_> {
        let name = &self.columns[column];
        self.row.0.iter().find(|(known, _)| known == name).map_or(Operand::Null, |(_, value)| *value)
    }
}

fn number(text: &str) -> Operand<'static> {
    Operand::Number(text.parse().unwrap())
}

/// The value of a formula over `a = 7`, `b = 2.5`, `t = 'apple'`, `yes = True`, `n` missing; as Python prints it.
fn value(text: &str) -> String {
    let row = Row(vec![
        ("a", number("7")),
        ("b", number("2.5")),
        ("t", Operand::Text("apple")),
        ("day", Operand::Text("2024-05-20")),
        ("yes", Operand::Boolean(true)),
        ("unit price", number("3")),
        ("größe", number("4")),
    ]);
    let formula = Formula::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let seen = Seen { row: &row, columns: formula.columns() };
    match formula.evaluate(&seen) {
        Operand::Null => "None".to_owned(),
        Operand::Number(number) => number.normalize().to_string(),
        Operand::Boolean(true) => "True".to_owned(),
        Operand::Boolean(false) => "False".to_owned(),
        Operand::Text(text) => text.to_owned(),
    }
}

#[test]
fn operators_bind_as_in_python() {
    for (formula, expected) in [
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("10 - 4 - 3", "3"),
        ("100 / 10 / 2", "5"),
        ("2 * 7 % 4", "2"),
        ("-2 * 3", "-6"),
        ("2 - -3", "5"),
        ("- - 3", "3"),
        ("-(1 + 2)", "-3"),
        ("+a", "7"),
        ("1 + 2 < 4", "True"),
        ("1 < 2 and 2 < 1 or 3 < 4", "True"),
        ("True or True and False", "True"),
        ("(True or True) and False", "False"),
        ("not True or True", "True"),
        ("not (True or True)", "False"),
        ("not 1 == 2", "True"),
        ("not not True", "True"),
        ("1 < 2 == True", "None"),
        ("-7 % 3", "2"),
        ("7 % -3", "-2"),
        ("-7 % -3", "-1"),
        ("7 % 3", "1"),
        ("a * b - 1", "16.5"),
        ("a*b-1", "16.5"),
        ("a not in (1, 2) and a in (6, 7,)", "True"),
        ("a + 1 in [8]", "True"),
        ("not a in (7, 8)", "False"),
        ("`unit price` * größe", "12"),
        ("1.5e3 + .5", "1500.5"),
        ("yes and a > 6", "True"),
        ("'a\\'b' == \"a'b\"", "True"),
        ("t", "apple"),
        ("true and not false", "True"),
    ] {
        assert_eq!(value(formula), expected, "{formula}");
    }
}

#[test]
fn comparisons_chain_as_in_python() {
    for (formula, expected) in [
        ("1 < a < 10", "True"),
        ("1 < a < 5", "False"),
        ("10 > a > 5 > 1", "True"),
        ("1 < 3 > 2", "True"),
        ("0 <= b <= 2.5", "True"),
        ("7 == a == 7.0", "True"),
        ("7 == a != 7", "False"),
        ("1 < a in (7, 8)", "True"),
        ("1 < a is not None", "True"),
        ("9 < a < n", "False"),
        ("1 < a < n", "None"),
    ] {
        assert_eq!(value(formula), expected, "{formula}");
    }
}

#[test]
fn and_or_not_follow_kleene() {
    let table = [
        ("True", "True", "True", "True"),
        ("True", "False", "False", "True"),
        ("True", "None", "None", "True"),
        ("False", "True", "False", "True"),
        ("False", "False", "False", "False"),
        ("False", "None", "False", "None"),
        ("None", "True", "None", "True"),
        ("None", "False", "False", "None"),
        ("None", "None", "None", "None"),
    ];
    for (a, b, both, either) in table {
        assert_eq!(value(&format!("{a} and {b}")), both, "{a} and {b}");
        assert_eq!(value(&format!("{a} or {b}")), either, "{a} or {b}");
    }
    assert_eq!(value("not None"), "None");
    assert_eq!(value("not True"), "False");
    assert_eq!(value("not False"), "True");
}

#[test]
fn what_cannot_be_known_has_no_value() {
    for formula in [
        "n > 1",
        "n == n",
        "n != 1",
        "1 + n",
        "-n",
        "+n",
        "n in (1, 2)",
        "a in (1, n)",
        "a / 0",
        "a % 0",
        "a / (b - 2.5)",
        "t == 5",
        "t < 5",
        "t != 5",
        "a == '7'",
        "yes == 1",
        "t + 1",
        "+t",
        "a and True",
        "not a",
        "79228162514264337593543950335 + 1",
        "79228162514264337593543950335 * 2",
    ] {
        assert_eq!(value(formula), "None", "{formula}");
    }
    for (formula, expected) in [
        ("n is None", "True"),
        ("n is not None", "False"),
        ("a is null", "False"),
        ("n is null or n > 5", "True"),
        ("a in (7, n)", "True"),
        ("n + 1 is None", "True"),
    ] {
        assert_eq!(value(formula), expected, "{formula}");
    }
}

#[test]
fn numbers_are_decimals() {
    assert_eq!(value("0.1 + 0.2 == 0.3"), "True");
    assert_eq!(value("99.99 * 3"), "299.97");
    assert_eq!(value("1.10 == 1.1"), "True");
    assert_eq!(value("1 / 8"), "0.125");
}

#[test]
fn iso_dates_compare_as_texts() {
    assert_eq!(value("day >= '2024-01-01'"), "True");
    assert_eq!(value("'2024-05-01' <= day < '2024-05-20'"), "False");
    assert_eq!(value("t in ('pear', 'apple')"), "True");
}

#[test]
fn columns_are_listed_once_in_order() {
    let formula = Formula::parse("b > a and a < `unit price` and 'c' == b").unwrap();
    assert_eq!(formula.columns(), ["b", "a", "unit price"]);
    assert_eq!(formula.text(), "b > a and a < `unit price` and 'c' == b");
}

#[test]
fn an_error_says_where_and_what_would_be_accepted() {
    for (formula, position, message) in [
        ("", 1, "expected a column, a number, a text in quotes or `(`, found the end of the formula"),
        ("a +", 4, "expected a column, a number, a text in quotes or `(`, found the end of the formula"),
        ("a b", 3, "expected an operator or the end of the formula, found the column `b`"),
        ("(a + 1", 7, "expected an operator or `)`, found the end of the formula"),
        ("größe = 1", 7, "a single `=` is not known here: write `==` to compare"),
        ("a && b", 3, "`&&` is not known here: write `and`"),
        ("a ** 2", 3, "powers are not known here: write a product such as `a * a`"),
        ("len(a)", 1, "there is no function `len`: formulas have operators only"),
        ("'abc", 1, "a text is opened and never closed: end it with '"),
        ("'abc\\", 1, "a text is opened and never closed: end it with '"),
        ("`abc", 1, "a column name is opened and never closed: end it with a backtick"),
        ("a == None", 6, "a comparison with None never holds: write `is None` or `is not None`"),
        ("a in 5", 6, "expected a list in parentheses, such as `(1, 2)`, found 5"),
        ("a in ()", 7, "expected a column, a number, a text in quotes or `(`, found `)`"),
        ("a not 5", 7, "expected `in` after `not`, found 5"),
        ("a is 5", 6, "expected `None`: `is` only asks whether a value is missing, `==` compares, found 5"),
        ("a + 'x'", 5, "a text cannot be computed with: write a column or a number"),
        ("a.b", 2, "`.` is not known here: write a column name with a dot in backticks, as in `` `a.b` ``"),
    ] {
        let error = Formula::parse(formula).unwrap_err();
        assert_eq!((error.position, error.message.as_str()), (position, message), "{formula}");
    }
    for formula in ["1_000", "1.2.3", "12abc", "1e", "1e999", "123456789012345678901234567890", "€", "1 2"]
    {
        assert!(Formula::parse(formula).is_err(), "{formula}");
    }
}

#[test]
fn no_formula_is_deeper_or_longer_than_allowed() {
    let ok = |text: String| Formula::parse(&text).map(|_| ());
    assert_eq!(ok(format!("{}a{}", "(".repeat(64), ")".repeat(64))), Ok(()));
    for text in [
        format!("{}a{}", "(".repeat(65), ")".repeat(65)),
        "(".repeat(1024),
        "-".repeat(1024),
        "not ".repeat(256),
        "a in (".repeat(170),
        format!("{}a", "+".repeat(40)),
        "a+".repeat(513),
    ] {
        assert!(ok(text.clone()).is_err(), "{text}");
    }
    let long_sum = format!("a{}", " + 1".repeat(255));
    assert_eq!(value(&long_sum), "262");
    assert_eq!(Formula::parse(&"a".repeat(1025)).unwrap_err().position, 1025);
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = Formula::parse(&text);
    }

    #[test]
    fn any_row_of_words_is_read_or_refused_and_never_stops_the_program(
        words in prop::collection::vec(prop::sample::select(vec![
            "a", "n", "t", "`x y`", "1", "2.5", "'s'", "True", "None", "(", ")", "[", "]", ",", "+", "-", "*", "/",
            "%", "<", "<=", "==", "!=", "and", "or", "not", "in", "is", "\\", "'", "`",
        ]), 0..40),
        cell in any::<(i64, u8)>(),
    ) {
        let text = words.join(" ");
        match Formula::parse(&text) {
            Ok(formula) => {
                let row = Row(vec![("a", Operand::Number(Decimal::new(cell.0, u32::from(cell.1 % 28))))]);
                let _ = formula.evaluate(&Seen { row: &row, columns: formula.columns() });
            }
            Err(error) => prop_assert!((1..=text.chars().count() + 1).contains(&error.position)),
        }
    }
}

#[test]
fn a_formula_that_can_never_have_a_value_is_known_beforehand() {
    let kind = |text: &str| {
        Formula::parse(text).unwrap().kind(|name| match name {
            "a" | "b" => Some(Kind::Number),
            "t" => Some(Kind::Text),
            "yes" => Some(Kind::Boolean),
            _ => None,
        })
    };
    for (formula, expected) in [
        ("a + b", Some(Kind::Number)),
        ("-a", Some(Kind::Number)),
        ("a < b and t == 'x' or yes", Some(Kind::Boolean)),
        ("t in ('x', n)", Some(Kind::Boolean)),
        ("t is None", Some(Kind::Boolean)),
        ("not n", Some(Kind::Boolean)),
        ("t", Some(Kind::Text)),
        ("n", None),
    ] {
        assert_eq!(kind(formula), Ok(expected), "{formula}");
    }
    for (formula, why) in [
        ("a < '5'", "a number is compared with a text"),
        ("1 < a < t", "a number is compared with a text"),
        ("t in ('x', 5)", "a text is compared with a number"),
        ("yes == 1", "a truth value is compared with a number"),
        ("a + t", "a text cannot be computed with"),
        ("-yes", "a truth value cannot be computed with"),
        ("a and yes", "here stands a number"),
        ("not t", "here stands a text"),
    ] {
        let message = kind(formula).unwrap_err();
        assert!(message.contains(why), "{formula}: {message}");
    }
}
