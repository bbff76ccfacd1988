//! JavaScript lexer that finds string and template literals.
//!
//! It tells a literal from the same characters in a comment, a regular expression or another literal, and knows whether an
//! expression in brackets may take its place. It is no parser: what a slash or a brace means is judged by the token before
//! it, as highlighters do. Code that does not come out even is given up, and nothing is said about it.

/// A string or template literal in code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Literal {
    /// Index of its opening quote.
    pub open: usize,
    /// Its kind.
    pub kind: LiteralKind,
}

/// The kind of a literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiteralKind {
    /// Text between two backticks.
    Template,
    /// Text between two quotes.
    Text {
        /// Index of its closing quote.
        close: usize,
        /// True if an expression in brackets may take its place: it is no key of an object, and no bracket in its place
        /// would call what is before it.
        is_expression: bool,
    },
}

/// The literals of a script of which `wanted` approves; it is given what follows the opening quote. None when the script is
/// not understood.
pub fn find(code: &[u8], wanted: impl Fn(&[u8]) -> bool) -> Option<Vec<Literal>> {
    let mut lexer = Lexer {
        code,
        at: 0,
        previous: PreviousToken::Beginning,
        brackets: Vec::new(),
        braces: Vec::new(),
        found: Vec::new(),
    };
    while lexer.at < code.len() {
        lexer.step(&wanted)?;
    }
    lexer.braces.is_empty().then_some(lexer.found)
}

/// The token before: it says what a slash, a brace or a literal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PreviousToken {
    /// A statement begins.
    Beginning,
    /// The end of a block, behind which a statement begins, or goes on.
    BlockEnd,
    /// A keyword that an expression follows.
    Keyword,
    /// A keyword that a condition in brackets follows.
    Condition,
    /// The last character of an operator, or an opening bracket.
    Punctuator(u8),
    /// The end of a value: a name, a number, a literal, a closing bracket.
    Operand,
}

/// What an open brace began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Brace {
    Block,
    Object,
    /// An expression in a template literal.
    Substitution,
}

struct Lexer<'a> {
    code: &'a [u8],
    at: usize,
    previous: PreviousToken,
    /// For each open round bracket whether it holds the condition of a statement.
    brackets: Vec<bool>,
    braces: Vec<Brace>,
    found: Vec<Literal>,
}

impl Lexer<'_> {
    /// One token. None when it does not end.
    fn step(&mut self, wanted: &impl Fn(&[u8]) -> bool) -> Option<()> {
        let start = self.at;
        let byte = self.code[start];
        match byte {
            _ if byte.is_ascii_whitespace() => self.at += 1,
            b'/' if matches!(self.peek(1), Some(b'/' | b'*')) => self.at = comment_end(self.code, start)?,
            b'/' if !self.divides() => {
                self.at = regex_end(self.code, start)?;
                self.previous = PreviousToken::Operand;
            }
            b'"' | b'\'' => self.text(byte, wanted)?,
            b'`' => {
                if wanted(&self.code[start + 1..]) {
                    self.found.push(Literal { open: start, kind: LiteralKind::Template });
                }
                self.at += 1;
                self.template()?;
            }
            _ if is_word(byte) => self.word(),
            _ => {
                self.at += 1;
                self.punctuator(byte)?;
            }
        }
        Some(())
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.code.get(self.at + ahead).copied()
    }

    /// A slash divides behind a value, and behind the point of a number.
    fn divides(&self) -> bool {
        matches!(
            self.previous,
            PreviousToken::Operand | PreviousToken::Condition | PreviousToken::Punctuator(b'.')
        )
    }

    fn text(&mut self, quote: u8, wanted: &impl Fn(&[u8]) -> bool) -> Option<()> {
        let open = self.at;
        let close = text_end(self.code, open, quote)?;
        if wanted(&self.code[open + 1..close]) {
            let is_expression = self.may_be_bracketed(close);
            self.found.push(Literal { open, kind: LiteralKind::Text { close, is_expression } });
        }
        self.at = close + 1;
        self.previous = PreviousToken::Operand;
        Some(())
    }

    /// Whether an expression in brackets may take the place of the text that ends at `close`.
    fn may_be_bracketed(&self, close: usize) -> bool {
        let follows = next_token(self.code, close + 1);
        let is_key =
            matches!(self.previous, PreviousToken::Beginning | PreviousToken::Punctuator(b'{' | b','))
                && follows.first() == Some(&b':');
        let is_name = match follows {
            [b'(' | b'`', ..] => true,
            [b'=', rest @ ..] => rest.first() != Some(&b'='),
            _ => false,
        };
        let fits = match self.previous {
            PreviousToken::Beginning | PreviousToken::Keyword => true,
            PreviousToken::Punctuator(byte) => b"([{,:;?=+&|>!".contains(&byte),
            PreviousToken::BlockEnd | PreviousToken::Condition | PreviousToken::Operand => false,
        };
        fits && !is_key && !is_name
    }

    /// The text of a template literal, up to its end or to an expression in it.
    fn template(&mut self) -> Option<()> {
        loop {
            match (self.peek(0)?, self.peek(1)) {
                (b'\\', _) => self.at += 2,
                (b'`', _) => {
                    self.at += 1;
                    self.previous = PreviousToken::Operand;
                    return Some(());
                }
                (b'$', Some(b'{')) => {
                    self.at += 2;
                    self.braces.push(Brace::Substitution);
                    self.previous = PreviousToken::Punctuator(b'{');
                    return Some(());
                }
                _ => self.at += 1,
            }
        }
    }

    fn word(&mut self) {
        let length = self.code[self.at..].iter().position(|&byte| !is_word(byte));
        let end = length.map_or(self.code.len(), |length| self.at + length);
        let is_property = self.previous == PreviousToken::Punctuator(b'.');
        self.previous = match &self.code[self.at..end] {
            _ if is_property => PreviousToken::Operand,
            b"return" | b"typeof" | b"case" | b"in" | b"delete" | b"void" | b"throw" | b"new"
            | b"instanceof" | b"yield" | b"await" | b"default" | b"extends" => PreviousToken::Keyword,
            b"else" | b"do" => PreviousToken::Beginning,
            b"if" | b"while" | b"for" | b"with" => PreviousToken::Condition,
            _ => PreviousToken::Operand,
        };
        self.at = end;
    }

    fn punctuator(&mut self, byte: u8) -> Option<()> {
        self.previous = match byte {
            b'(' => {
                self.brackets.push(self.previous == PreviousToken::Condition);
                PreviousToken::Punctuator(byte)
            }
            b')' => {
                if self.brackets.pop()? {
                    PreviousToken::Beginning
                } else {
                    PreviousToken::Operand
                }
            }
            b']' => PreviousToken::Operand,
            b'{' => {
                let brace = self.brace();
                self.braces.push(brace);
                if brace == Brace::Block { PreviousToken::Beginning } else { PreviousToken::Punctuator(byte) }
            }
            b'}' => match self.braces.pop()? {
                Brace::Block => PreviousToken::BlockEnd,
                Brace::Object => PreviousToken::Operand,
                Brace::Substitution => return self.template(),
            },
            b';' => PreviousToken::Beginning,
            b'+' | b'-'
                if self.previous == PreviousToken::Punctuator(byte) && self.code[self.at - 2] == byte =>
            {
                PreviousToken::Operand
            }
            _ => PreviousToken::Punctuator(byte),
        };
        Some(())
    }

    /// What an opening brace begins. A function or a loop has a closing bracket or a name before its block, an arrow its `>`.
    fn brace(&self) -> Brace {
        match self.previous {
            PreviousToken::Beginning
            | PreviousToken::BlockEnd
            | PreviousToken::Operand
            | PreviousToken::Condition
            | PreviousToken::Punctuator(b'>') => Brace::Block,
            PreviousToken::Keyword | PreviousToken::Punctuator(_) => Brace::Object,
        }
    }
}

/// Part of a name, a keyword or a number. What is not ASCII is part of a name.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'\\' | 0x80..)
}

/// Index behind a comment.
fn comment_end(code: &[u8], start: usize) -> Option<usize> {
    let inside = &code[start + 2..];
    if code[start + 1] == b'*' {
        return Some(start + 4 + inside.windows(2).position(|end| end == b"*/")?);
    }
    let length = inside.iter().position(|&byte| is_line_end(byte));
    Some(length.map_or(code.len(), |length| start + 2 + length))
}

/// Index behind the slash that ends a regular expression; its flags are read as a name.
fn regex_end(code: &[u8], start: usize) -> Option<usize> {
    let (mut at, mut in_class) = (start + 1, false);
    loop {
        match *code.get(at)? {
            b'\\' => at += 1,
            b'[' => in_class = true,
            b']' => in_class = false,
            b'/' if !in_class => return Some(at + 1),
            byte if is_line_end(byte) => return None,
            _ => {}
        }
        at += 1;
    }
}

/// Index of the quote that ends a text.
fn text_end(code: &[u8], open: usize, quote: u8) -> Option<usize> {
    let mut at = open + 1;
    loop {
        match *code.get(at)? {
            b'\\' => at += if code[at..].starts_with(b"\\\r\n") { 2 } else { 1 },
            byte if byte == quote => return Some(at),
            byte if is_line_end(byte) => return None,
            _ => {}
        }
        at += 1;
    }
}

/// What follows from the next token on.
fn next_token(code: &[u8], mut at: usize) -> &[u8] {
    loop {
        match &code[at..] {
            [byte, ..] if byte.is_ascii_whitespace() => at += 1,
            [b'/', b'/' | b'*', ..] => match comment_end(code, at) {
                Some(end) => at = end,
                None => return &[],
            },
            rest => return rest,
        }
    }
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts and templates that begin with `X`: `e` for an expression, `t` for a text that is none, `m` for a template.
    fn kinds(code: &str) -> Option<String> {
        let found = find(code.as_bytes(), |text| text.starts_with(b"X"))?;
        let letter = |literal: &Literal| match literal.kind {
            LiteralKind::Template => 'm',
            LiteralKind::Text { is_expression, close, .. } => {
                assert!(matches!(code.as_bytes()[close], b'"' | b'\''), "{code}");
                if is_expression { 'e' } else { 't' }
            }
        };
        Some(found.iter().map(letter).collect())
    }

    #[test]
    fn texts_in_code_are_told_from_the_same_characters_elsewhere() {
        for (code, expected) in [
            ("a=\"X\"", "e"),
            ("f('X',{b:\"X\"})", "ee"),
            ("\"X\"", "e"),
            ("'\"X\"'", ""),
            ("\"\\\"X\\\"\"", ""),
            ("JSON.parse('{\"a\":\"X\"}')", ""),
            ("eval(\"f('X')\")", ""),
            ("// \"X\"\na='X'", "e"),
            ("/* \"X\" */a=/* ' */'X'", "e"),
            ("a=/\"X\"/.test('X')", "e"),
            ("a=/[/\"]/;b='X'", "e"),
            ("a=b/c;d='X'/e", "e"),
            ("a=(b)/c/'X'", "t"),
            ("if(a)/\"/.test('X')", "e"),
            ("while(a)'X'", "e"),
            ("function f(){}/\"/.test('X')", "e"),
            ("a={}/b;c='X'", "e"),
            ("a=>{return/'/}\nb='X'", "e"),
            ("a.return/b;c='X'", "e"),
            ("a++/b;c='X'", "e"),
            ("a=1./b;c='X'", "e"),
            ("a+ +/'/;c='X'", "e"),
            ("return'X'", "e"),
            ("case'X':break", "e"),
            ("export default'X'", "e"),
            ("a?\"X\":'X'", "ee"),
            ("a='b\\\nc';d='X'", "e"),
            ("a='b\\\r\nc';d='X'", "e"),
            ("\u{e4}='X'", "e"),
        ] {
            assert_eq!(kinds(code).as_deref(), Some(expected), "{code}");
        }
    }

    #[test]
    fn templates_and_what_is_in_them() {
        for (code, expected) in [
            ("a=`X`", "m"),
            ("a=`b${'X'}c${`X`}\"X\"`;d='X'", "eme"),
            ("`\\`X\\``", ""),
            ("`${{a:{b:`X`}}}`+'X'", "me"),
            ("`${a}/'`;b='X'/c", "e"),
            ("f`X`", "m"),
            ("`$`+`{'X'}$$`", ""),
        ] {
            assert_eq!(kinds(code).as_deref(), Some(expected), "{code}");
        }
    }

    #[test]
    fn where_a_bracket_would_mean_something_else_a_text_is_no_expression() {
        for code in [
            "a={'X':1}",
            "a={b:1,'X' /* */ :2}",
            "({'X'(){}})",
            "class A{'X'=1}",
            "class A{'X'(){}}",
            "import a from'X'",
            "import'X'",
            "a=b\n'X'.c()",
            "a=b()\n'X'",
            "a=[]\n'X'",
            "a={}\n'X'",
            "a=function(){}\n'X'",
            "'X'`a`",
        ] {
            assert_eq!(kinds(code).as_deref(), Some("t"), "{code}");
        }
        assert_eq!(kinds("a={b:'X'=='X'}").as_deref(), Some("ee"), "no assignment");
    }

    #[test]
    fn code_that_does_not_come_out_even_is_given_up() {
        for code in ["'X", "'X\n'", "`X", "`${", "/* X", "a=/X\n/", "}", ")", "{", "`${a`}", "a='X\\"] {
            assert_eq!(kinds(code), None, "{code}");
        }
    }
}
