//! A table that does what an expression says: the part of DynamoDB's language that the adapter speaks, and nothing
//! of the adapter's code. What it does not know it panics at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};

use crate::wire::{Reply, Sent, Wire};

type Item = Map<String, Value>;

/// The items by partition key.
#[derive(Debug, Clone, Default)]
pub(super) struct Table(Arc<Mutex<BTreeMap<String, Item>>>);

impl Table {
    pub(super) fn put(&self, key: &str, item: Value) {
        let Value::Object(mut item) = item else { panic!("{item}") };
        item.insert("run_id".to_owned(), json!({ "S": key }));
        self.0.lock().unwrap().insert(key.to_owned(), item);
    }

    pub(super) fn remove(&self, key: &str) {
        self.0.lock().unwrap().remove(key);
    }

    pub(super) fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    pub(super) fn get(&self, key: &str) -> Option<Value> {
        self.0.lock().unwrap().get(key).cloned().map(Value::Object)
    }

    pub(super) fn wire(&self) -> Wire {
        let table = self.clone();
        Wire::answering(move |sent| table.answer(sent))
    }

    pub(super) fn answer(&self, sent: &Sent) -> Reply {
        let asked = sent.json();
        let key = asked["Key"]["run_id"]["S"].as_str().unwrap();
        match sent.header("x-amz-target").unwrap() {
            "DynamoDB_20120810.GetItem" => self.read(key, &asked),
            "DynamoDB_20120810.UpdateItem" => self.update(key, &asked),
            other => panic!("{other}"),
        }
    }

    fn read(&self, key: &str, asked: &Value) -> Reply {
        assert_eq!(asked["ConsistentRead"], true);
        let Some(Value::Object(mut item)) = self.get(key) else { return Reply::new(200, "{}") };
        if let Some(only) = asked["ProjectionExpression"].as_str() {
            let only: BTreeSet<&str> = only.split(',').map(str::trim).collect();
            item.retain(|name, _| only.contains(name.as_str()));
        }
        Reply::new(200, json!({ "Item": item }).to_string())
    }

    fn update(&self, key: &str, asked: &Value) -> Reply {
        let old = self.get(key).map_or_else(Map::new, |item| item.as_object().unwrap().clone());
        let condition = asked["ConditionExpression"].as_str().unwrap();
        let update = asked["UpdateExpression"].as_str().unwrap();
        let mut condition = Expression::new(condition, asked, &old);
        let holds = condition.either();
        assert_eq!(condition.rest, Vec::<String>::new(), "the condition was not read to its end");
        let mut update = Expression::new(update, asked, &old);
        let (new, updated) = update.applied();
        condition.used.append(&mut update.used);
        assert_eq!(condition.used, placeholders(asked), "DynamoDB refuses placeholders that are not used");
        if !holds {
            let code = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
            let mut refusal = json!({ "__type": code, "message": "m" });
            if !old.is_empty() {
                refusal["Item"] = Value::Object(old);
            }
            return Reply::new(400, refusal.to_string());
        }
        self.put(key, Value::Object(new));
        Reply::new(200, json!({ "Attributes": updated }).to_string())
    }
}

fn placeholders(asked: &Value) -> BTreeSet<String> {
    let maps = ["ExpressionAttributeNames", "ExpressionAttributeValues"];
    maps.iter().flat_map(|map| asked[map].as_object().unwrap().keys().cloned()).collect()
}

/// An expression being read, over an item.
struct Expression<'a> {
    rest: Vec<String>,
    used: BTreeSet<String>,
    asked: &'a Value,
    old: &'a Item,
}

impl<'a> Expression<'a> {
    fn new(text: &str, asked: &'a Value, old: &'a Item) -> Self {
        let mut spaced = text.to_owned();
        for mark in ["(", ")", ","] {
            spaced = spaced.replace(mark, &format!(" {mark} "));
        }
        let rest = spaced.split_whitespace().rev().map(str::to_owned).collect();
        Self { rest, used: BTreeSet::new(), asked, old }
    }

    fn peek(&self) -> &str {
        self.rest.last().map_or("", String::as_str)
    }

    fn next(&mut self) -> String {
        self.rest.pop().unwrap()
    }

    fn eat(&mut self, word: &str) -> bool {
        let found = self.peek() == word;
        if found {
            self.rest.pop();
        }
        found
    }

    fn expect(&mut self, word: &str) {
        assert!(self.eat(word), "{word} expected, {:?} found", self.peek());
    }

    fn attribute(&mut self) -> String {
        let placeholder = self.next();
        let name = self.asked["ExpressionAttributeNames"][&placeholder].as_str();
        let name = name.unwrap_or_else(|| panic!("{placeholder} is no attribute")).to_owned();
        self.used.insert(placeholder);
        name
    }

    fn value(&mut self) -> Value {
        let placeholder = self.next();
        let value = self.asked["ExpressionAttributeValues"].get(&placeholder);
        let value = value.unwrap_or_else(|| panic!("{placeholder} is no value")).clone();
        self.used.insert(placeholder);
        value
    }

    // Both sides are always read: what is not looked at would not count as used.
    fn either(&mut self) -> bool {
        let mut holds = self.both();
        while self.eat("OR") {
            holds |= self.both();
        }
        holds
    }

    fn both(&mut self) -> bool {
        let mut holds = self.single();
        while self.eat("AND") {
            holds &= self.single();
        }
        holds
    }

    fn single(&mut self) -> bool {
        if self.eat("(") {
            let holds = self.either();
            self.expect(")");
            return holds;
        }
        for (function, expected) in [("attribute_exists", true), ("attribute_not_exists", false)] {
            if self.eat(function) {
                self.expect("(");
                let name = self.attribute();
                self.expect(")");
                return self.old.contains_key(&name) == expected;
            }
        }
        let name = self.attribute();
        let found = self.old.get(&name);
        match self.next().as_str() {
            "=" => found == Some(&self.value()),
            mark @ ("<" | "<=") => {
                let (found, value) = (found.map(number), number(&self.value()));
                found.is_some_and(|found| found < value || (found == value && mark == "<="))
            }
            "IN" => {
                self.expect("(");
                let mut values = vec![self.value()];
                while self.eat(",") {
                    values.push(self.value());
                }
                self.expect(")");
                found.is_some_and(|found| values.contains(found))
            }
            other => panic!("{other} is not known"),
        }
    }

    /// The item after the update, and what was updated.
    fn applied(&mut self) -> (Item, Item) {
        let (mut new, mut updated) = (self.old.clone(), Map::new());
        let mut touched = BTreeSet::new();
        while !self.rest.is_empty() {
            let clause = self.next();
            loop {
                let name = self.attribute();
                assert!(touched.insert(name.clone()), "DynamoDB refuses to touch {name} twice");
                match clause.as_str() {
                    "SET" => {
                        self.expect("=");
                        let value = self.assigned();
                        updated.insert(name.clone(), value.clone());
                        new.insert(name, value);
                    }
                    "REMOVE" => drop(new.remove(&name)),
                    "ADD" => {
                        let sum = self.old.get(&name).map_or(0, number) + number(&self.value());
                        updated.insert(name.clone(), json!({ "N": sum.to_string() }));
                        new.insert(name, json!({ "N": sum.to_string() }));
                    }
                    other => panic!("{other} is not known"),
                }
                if !self.eat(",") {
                    break;
                }
            }
        }
        (new, updated)
    }

    fn assigned(&mut self) -> Value {
        if !self.eat("if_not_exists") {
            return self.value();
        }
        self.expect("(");
        let name = self.attribute();
        self.expect(",");
        let value = self.value();
        self.expect(")");
        self.old.get(&name).cloned().unwrap_or(value)
    }
}

fn number(value: &Value) -> i128 {
    value["N"].as_str().unwrap().parse().unwrap()
}
