//! Scanner for Rust source: the paths that a file names. Comments, strings and everything under `#[cfg(test)]` are left
//! out, groups (`use a::{b, c::d}`) are expanded, `super` is resolved.

use std::collections::BTreeSet;

/// The parts of one file that the rules check.
#[derive(Debug)]
pub struct Source {
    /// Path below src.
    pub file: String,
    /// Every path of the file that has two segments or more, or is imported; with its line.
    pub paths: Vec<(usize, Vec<String>)>,
    /// Types that the file defines, each with its line.
    pub types: Vec<(usize, String)>,
    /// Modules of this file that exist only in tests.
    pub test_modules: Vec<String>,
    /// Lines that are not under `#[cfg(test)]`.
    pub lines: usize,
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    /// `::`
    Separator,
    Mark(char),
}

impl Source {
    /// Reads the text of `file`, which is named as below src: `api/port.rs`.
    pub fn parse(file: &str, text: &str) -> Source {
        let (tokens, test_modules, test_lines) = without_tests(tokens(text));
        Source {
            file: file.to_owned(),
            paths: paths(&tokens, module_of(file)),
            types: types(&tokens),
            test_modules,
            lines: text.lines().count() - test_lines,
        }
    }

    /// The room that the file belongs to: the first folder, or the file of that name.
    pub fn room(&self) -> &str {
        let first = self.file.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }
}

/// The module that a file is: `api/port.rs` is `[api, port]`, `api/mod.rs` is `[api]`, `lib.rs` the root.
fn module_of(file: &str) -> Vec<String> {
    let mut module: Vec<String> = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        module.pop();
    }
    module
}

fn tokens(text: &str) -> Vec<(usize, Token)> {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let mut found = Vec::new();
    let (mut i, mut line) = (0, 1);
    while i < chars.len() {
        let start = i;
        match at(i) {
            '/' if at(i + 1) == '/' => {
                while i < chars.len() && at(i) != '\n' {
                    i += 1;
                }
            }
            '/' if at(i + 1) == '*' => {
                let mut depth = 0;
                loop {
                    match (at(i), at(i + 1)) {
                        ('/', '*') => (depth, i) = (depth + 1, i + 2),
                        ('*', '/') => (depth, i) = (depth - 1, i + 2),
                        _ => i += 1,
                    }
                    if depth == 0 || i >= chars.len() {
                        break;
                    }
                }
            }
            '"' => i = after_string(&chars, i),
            // A character is closed by a quote; a lifetime is not.
            '\'' if at(i + 1) == '\\' => {
                i += 3;
                while i < chars.len() && at(i) != '\'' {
                    i += 1;
                }
                i += 1;
            }
            '\'' if at(i + 2) == '\'' => i += 3,
            c if c.is_alphanumeric() || c == '_' => {
                while at(i).is_alphanumeric() || at(i) == '_' {
                    i += 1;
                }
                let word: String = chars[start..i].iter().collect();
                let hashes = chars[i.min(chars.len())..].iter().take_while(|c| **c == '#').count();
                if matches!(word.as_str(), "r" | "br" | "cr") && at(i + hashes) == '"' {
                    i = after_raw_string(&chars, i + hashes + 1, hashes);
                } else {
                    found.push((line, Token::Word(word)));
                }
            }
            ':' if at(i + 1) == ':' => {
                found.push((line, Token::Separator));
                i += 2;
            }
            c => {
                if !c.is_whitespace() {
                    found.push((line, Token::Mark(c)));
                }
                i += 1;
            }
        }
        line += chars[start..i.min(chars.len())].iter().filter(|c| **c == '\n').count();
    }
    found
}

/// Names of structs, enums, traits and unions anywhere, and of aliases outside of any braces: inside of them an alias
/// is the type of a trait.
fn types(tokens: &[(usize, Token)]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut depth = 0;
    for (i, (line, token)) in tokens.iter().enumerate() {
        match token {
            Token::Mark('{') => depth += 1,
            Token::Mark('}') => depth -= 1,
            Token::Word(word)
                if matches!(word.as_str(), "struct" | "enum" | "trait" | "union")
                    || word == "type" && depth == 0 =>
            {
                if let Some((_, Token::Word(name))) = tokens.get(i + 1)
                    && name.starts_with(char::is_uppercase)
                {
                    found.push((*line, name.clone()));
                }
            }
            _ => {}
        }
    }
    found
}

fn after_string(chars: &[char], quote: usize) -> usize {
    let mut i = quote + 1;
    while i < chars.len() && chars[i] != '"' {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    i + 1
}

fn after_raw_string(chars: &[char], mut i: usize, hashes: usize) -> usize {
    while i < chars.len() {
        if chars[i] == '"' && chars[i + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes {
            return i + 1 + hashes;
        }
        i += 1;
    }
    i
}

/// The tokens without the items under `#[cfg(test)]`, the modules that such items declare, and their lines.
fn without_tests(tokens: Vec<(usize, Token)>) -> (Vec<(usize, Token)>, Vec<String>, usize) {
    let mut kept = Vec::new();
    let mut modules = Vec::new();
    let mut lines = BTreeSet::new();
    let mut i = 0;
    while i < tokens.len() {
        if !is_test_attribute(&tokens[i..]) {
            kept.push(tokens[i].clone());
            i += 1;
            continue;
        }
        let end = item_end(&tokens, i);
        if let Some(name) = declared_module(&tokens[i..end]) {
            modules.push(name);
        }
        lines.extend(tokens[i].0..=tokens[end - 1].0);
        i = end;
    }
    (kept, modules, lines.len())
}

fn is_test_attribute(tokens: &[(usize, Token)]) -> bool {
    let starts = |words: &[&str]| {
        tokens.len() >= words.len()
            && words.iter().zip(tokens).all(|(word, (_, token))| match token {
                Token::Word(text) => text == word,
                Token::Mark(mark) => *word == mark.to_string(),
                Token::Separator => false,
            })
    };
    starts(&["#", "[", "cfg", "(", "test", ")"]) || starts(&["#", "[", "cfg", "(", "all", "(", "test"])
}

/// Behind the attributes at `start` and the item that they belong to.
fn item_end(tokens: &[(usize, Token)], start: usize) -> usize {
    let mut i = start;
    while tokens.get(i).map(|(_, token)| token) == Some(&Token::Mark('#')) {
        i = group_end(tokens, i + 1);
    }
    while let Some((_, token)) = tokens.get(i) {
        match token {
            Token::Mark(';') => return i + 1,
            Token::Mark('{') => return group_end(tokens, i),
            Token::Mark('(' | '[') => i = group_end(tokens, i),
            _ => i += 1,
        }
    }
    i
}

/// Behind the bracket that closes the one at `open`.
fn group_end(tokens: &[(usize, Token)], open: usize) -> usize {
    let mut depth = 0;
    for (i, (_, token)) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::Mark('(' | '[' | '{') => depth += 1,
            Token::Mark(')' | ']' | '}') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return i + 1;
        }
    }
    tokens.len()
}

fn declared_module(item: &[(usize, Token)]) -> Option<String> {
    item.windows(3).find_map(|three| match three {
        [(_, Token::Word(word)), (_, Token::Word(name)), (_, Token::Mark(';'))] if word == "mod" => {
            Some(name.clone())
        }
        _ => None,
    })
}

fn paths(tokens: &[(usize, Token)], file_module: Vec<String>) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    let mut module = file_module;
    // For each open bracket, whether it is the body of a module.
    let mut bodies = Vec::new();
    let mut importing = false;
    let mut i = 0;
    while let Some((line, token)) = tokens.get(i) {
        match token {
            Token::Word(word) if word == "mod" => {
                if let [(_, Token::Word(name)), (_, Token::Mark('{')), ..] = &tokens[i + 1..] {
                    module.push(name.clone());
                    bodies.push(true);
                    i += 2;
                }
            }
            Token::Word(word) if word == "use" => importing = true,
            Token::Mark(';') => importing = false,
            Token::Mark('{') => bodies.push(false),
            Token::Mark('}') => {
                if bodies.pop() == Some(true) {
                    module.pop();
                }
            }
            Token::Word(_) => {
                let mut tree = Vec::new();
                let end = path_tree(tokens, i, &[], &mut tree);
                for path in tree {
                    if importing || path.len() > 1 {
                        found.push((*line, absolute(path, &module)));
                    }
                }
                i = end;
                continue;
            }
            Token::Separator | Token::Mark(_) => {}
        }
        i += 1;
    }
    found
}

/// The paths that begin at `i`, groups written out; and where they end.
fn path_tree(
    tokens: &[(usize, Token)],
    mut i: usize,
    stem: &[String],
    found: &mut Vec<Vec<String>>,
) -> usize {
    let mut path = stem.to_vec();
    let token = |i: usize| tokens.get(i).map(|(_, token)| token);
    while let Some(Token::Word(word)) = token(i) {
        path.push(word.clone());
        i += 1;
        if token(i) != Some(&Token::Separator) {
            break;
        }
        i += 1;
        if token(i) == Some(&Token::Mark('{')) {
            let end = group_end(tokens, i);
            i += 1;
            while i + 1 < end {
                let next = path_tree(tokens, i, &path, found);
                // A comma, `as name`, `*`: nothing that names another room.
                i = next.max(i + 1);
            }
            return end;
        }
    }
    // Only a group and the left side of `::` can be followed by a star that imports.
    if token(i) == Some(&Token::Mark('*')) && i > 0 && is_open(token(i - 1)) {
        path.push("*".to_owned());
    }
    if path.len() > stem.len() {
        found.push(path);
    }
    i
}

fn is_open(token: Option<&Token>) -> bool {
    matches!(token, Some(Token::Separator | Token::Mark('{' | ',')))
}

/// `super` and `self` resolved against the module that the path stands in.
fn absolute(path: Vec<String>, module: &[String]) -> Vec<String> {
    let supers = path.iter().take_while(|segment| *segment == "super").count();
    let skip = usize::from(path[0] == "self");
    if supers + skip == 0 {
        return path;
    }
    let base = &module[..module.len().saturating_sub(supers)];
    ["crate".to_owned()]
        .into_iter()
        .chain(base.iter().cloned())
        .chain(path[supers + skip..].iter().cloned())
        .collect()
}
