//! An update expression in the making.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

/// An update expression with its placeholders.
///
/// Every attribute gets a placeholder, because many of the record's names (`summary`, `rows`, `ttl`) are or may
/// become reserved words of DynamoDB.
#[derive(Debug, Default)]
pub(super) struct Expression {
    sets: Vec<String>,
    removes: Vec<String>,
    adds: Vec<String>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Expression {
    /// The placeholder of an attribute.
    pub(super) fn name(&mut self, attribute: &str) -> String {
        let placeholder = format!("#{attribute}");
        self.names.insert(placeholder.clone(), attribute.to_owned());
        placeholder
    }

    /// The placeholder of a value.
    pub(super) fn value(&mut self, label: &str, value: AttributeValue) -> String {
        let placeholder = format!(":{label}");
        self.values.insert(placeholder.clone(), value);
        placeholder
    }

    /// Sets an attribute.
    pub(super) fn set(&mut self, attribute: &str, label: &str, value: AttributeValue) {
        let assignment = format!("{} = {}", self.name(attribute), self.value(label, value));
        self.sets.push(assignment);
    }

    /// Sets an attribute that the item does not have yet.
    pub(super) fn set_if_absent(&mut self, attribute: &str, label: &str, value: AttributeValue) {
        let (name, value) = (self.name(attribute), self.value(label, value));
        self.sets.push(format!("{name} = if_not_exists({name}, {value})"));
    }

    /// Adds to a number, which is nought where the item does not have it yet.
    pub(super) fn add(&mut self, attribute: &str, label: &str, value: AttributeValue) {
        let addition = format!("{} {}", self.name(attribute), self.value(label, value));
        self.adds.push(addition);
    }

    /// Removes an attribute.
    pub(super) fn remove(&mut self, attribute: &str) {
        let name = self.name(attribute);
        self.removes.push(name);
    }

    /// The expression, the names and the values.
    pub(super) fn into_parts(self) -> (String, HashMap<String, String>, HashMap<String, AttributeValue>) {
        let clauses = [("SET", &self.sets), ("REMOVE", &self.removes), ("ADD", &self.adds)];
        let expression: Vec<String> = clauses
            .iter()
            .filter(|(_, parts)| !parts.is_empty())
            .map(|(keyword, parts)| format!("{keyword} {}", parts.join(", ")))
            .collect();
        (expression.join(" "), self.names, self.values)
    }
}
