//! Filters back to text, which parses to the same filter.

use std::fmt;

use super::parse::is_name_char;
use super::{Expr, Field, Filter, Literal, Op};

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.fmt(f)
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Compare(field, op, literal) => write!(f, "{field} {} {literal}", op.as_str()),
            Expr::In(field, literals) => {
                write!(f, "{field} IN [")?;
                for (place, literal) in literals.iter().enumerate() {
                    let separator = if place == 0 { "" } else { ", " };
                    write!(f, "{separator}{literal}")?;
                }
                f.write_str("]")
            }
            Expr::Exists(field) => write!(f, "{field} EXISTS"),
            Expr::Not(inner) => match **inner {
                Expr::And(_) | Expr::Or(_) => write!(f, "NOT ({inner})"),
                _ => write!(f, "NOT {inner}"),
            },
            Expr::And(parts) => join(f, parts, " AND "),
            Expr::Or(parts) => join(f, parts, " OR "),
        }
    }
}

/// Parts that would otherwise run into the whole are put in parentheses.
fn join(f: &mut fmt::Formatter<'_>, parts: &[Expr], separator: &str) -> fmt::Result {
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            f.write_str(separator)?;
        }
        match part {
            Expr::Or(_) => write!(f, "({part})")?,
            Expr::And(_) if separator == " AND " => write!(f, "({part})")?,
            _ => write!(f, "{part}")?,
        }
    }
    Ok(())
}

impl Op {
    fn as_str(self) -> &'static str {
        match self {
            Op::Eq => "=",
            Op::Ne => "!=",
            Op::Lt => "<",
            Op::Le => "<=",
            Op::Gt => ">",
            Op::Ge => ">=",
            Op::Contains => "CONTAINS",
            Op::Starts => "STARTS WITH",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Field::Attribute(name) if !name.is_empty() && name.chars().all(is_name_char) => {
                write!(f, "attributes.{name}")
            }
            Field::Attribute(name) => write!(f, "attributes.{}", Quoted(name)),
            own => f.write_str(own.name()),
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Literal::Text { text, .. } => Quoted(text).fmt(f),
            Literal::Bool(truth) => truth.fmt(f),
            // An exponent where digits alone would be a long row of zeros.
            Literal::Number(number) if *number != 0.0 && !(1e-6..1e16).contains(&number.abs()) => {
                write!(f, "{number:e}")
            }
            Literal::Number(number) => number.fmt(f),
        }
    }
}

struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0.replace('\\', "\\\\").replace('\'', "''"))
    }
}
