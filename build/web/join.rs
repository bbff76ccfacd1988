//! The modules of the page, joined to as few files as are loaded at different times: one request instead of fifty, and together they
//! compress to two thirds. What is on the disk is what a browser can load as it is; joined it does the same.
//!
//! A script of index.html, and what `import()` loads, is an entry: it gets the text of every module that only it needs. Such a module
//! becomes a function that is called once and returns its exports, so that no name is in another's way. It has a number, as its
//! path in each place would be 5 kB:
//!
//! ```js
//! const $7 = (() => { function h() {} return { h }; })();
//! ```
//!
//! An entry also exports those of them that an entry needs which is loaded after it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::strip::strip;

/// The content of each file, by its name.
pub type Files = BTreeMap<String, Vec<u8>>;
/// The variables of modules in an entry, by its name, that others need.
type Shared = BTreeMap<String, BTreeSet<String>>;

/// The files as they are handed out: scripts and styles joined, all of them stripped.
///
/// # Errors
/// A module that is not there, that nobody wants, that waits for itself, or that is written in a way that cannot be joined.
pub fn join(files: &Files) -> Result<Files, String> {
    let text = |name: &str| -> Result<String, String> {
        let content = files.get(name).ok_or_else(|| format!("{name}: is wanted, and is not there"))?;
        Ok(String::from_utf8_lossy(&strip(name, content)).into_owned())
    };
    let index = text("index.html")?;
    let mut used = BTreeSet::new();
    let mut joined = Files::new();

    let mut entries = addresses(&index, "src=\"web/");
    let mut done = BTreeMap::new();
    let mut shared = Shared::new();
    let mut next = 0;
    while let Some(entry) = entries.get(next).cloned() {
        let mut bundle =
            Bundle { files, text: &text, entry: &entry, earlier: &done, own: Vec::new(), path: Vec::new() };
        let body = bundle.script(&mut entries, &mut shared)?;
        for path in addresses(&body, "sheet(\"") {
            let style = relative(&entry, &path);
            let body = style_sheet(&text, &style, &mut used)?;
            joined.insert(style, body.into_bytes());
        }
        used.extend(bundle.own.iter().cloned());
        done.extend(bundle.own.iter().map(|module| (module.clone(), entry.clone())));
        used.insert(entry.clone());
        joined.insert(entry, body.into_bytes());
        next += 1;
    }
    for (entry, variables) in shared {
        let names: Vec<_> = variables.into_iter().collect();
        joined.entry(entry).or_default().extend(format!("export {{ {} }};\n", names.join(", ")).bytes());
    }
    for style in addresses(&index, "href=\"web/").into_iter().filter(|name| name.ends_with(".css")) {
        let body = style_sheet(&text, &style, &mut used)?;
        joined.insert(style, body.into_bytes());
    }
    for (name, content) in files {
        if !name.ends_with(".js") && !name.ends_with(".css") {
            joined.insert(name.clone(), strip(name, content));
        } else if !used.contains(name) {
            return Err(format!("{name}: nothing loads it"));
        }
    }
    Ok(joined)
}

/// What stands behind each `before` in the text, up to the quotation mark, in its order.
fn addresses(text: &str, before: &str) -> Vec<String> {
    let behind = text.split(before).skip(1);
    behind.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())).collect()
}

/// A style sheet with those that it imports in their places.
fn style_sheet(
    text: &impl Fn(&str) -> Result<String, String>,
    name: &str,
    used: &mut BTreeSet<String>,
) -> Result<String, String> {
    used.insert(name.to_owned());
    let mut sheet = String::new();
    for line in text(name)?.lines() {
        if let Some(import) = line.strip_prefix("@import") {
            let path = import.strip_prefix(" \"").and_then(|rest| rest.strip_suffix("\";"));
            let path = path.ok_or_else(|| format!("{name}: cannot be joined: {line}"))?;
            sheet += &style_sheet(text, &relative(name, path), used)?;
        } else {
            sheet.extend([line, "\n"]);
        }
    }
    Ok(sheet)
}

/// The file that `path` leads to from the file `from`: `../dom.js` from `screens/pair.js` is `dom.js`.
fn relative(from: &str, path: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// What becomes one script.
struct Bundle<'a, T> {
    files: &'a Files,
    text: &'a T,
    entry: &'a str,
    /// The entry of each module that is in an earlier one.
    earlier: &'a BTreeMap<String, String>,
    /// The modules of this one, each behind those that it needs.
    own: Vec<String>,
    /// The modules whose needs are being looked at.
    path: Vec<String>,
}

impl<T: Fn(&str) -> Result<String, String>> Bundle<'_, T> {
    /// What a module is called in the entry that it is in: `$7` for the eighth file.
    fn variable(&self, module: &str) -> String {
        format!("${}", self.files.keys().take_while(|name| *name != module).count())
    }

    /// The script; the entries that it loads later are added to `entries`, and what it needs of earlier ones to `shared`.
    fn script(&mut self, entries: &mut Vec<String>, shared: &mut Shared) -> Result<String, String> {
        let mut modules = String::new();
        let mut wanted = Shared::new();
        let entry = self.module(self.entry.to_owned(), &mut modules, &mut wanted)?;

        let mut script = String::new();
        for (from, variables) in wanted {
            shared.entry(from.clone()).or_default().extend(variables.iter().cloned());
            let names: Vec<_> = variables.into_iter().collect();
            let up = "../".repeat(self.entry.matches('/').count());
            let _ = writeln!(
                script,
                "import {{ {} }} from \"{}{from}\";",
                names.join(", "),
                if up.is_empty() { "./" } else { &up }
            );
        }
        script += &modules;
        script += &entry.body;
        script += &entry.exports.iter().map(|name| format!("export {{ {name} }};\n")).collect::<String>();
        for path in addresses(&entry.body, "import(\"") {
            let lazy = relative(self.entry, &path);
            if !entries.contains(&lazy) {
                entries.push(lazy);
            }
        }
        Ok(script)
    }

    /// The text of a module of which the needs are in `modules`, or in an earlier entry, which is `wanted` then.
    fn module(&mut self, name: String, modules: &mut String, wanted: &mut Shared) -> Result<Module, String> {
        if self.path.contains(&name) {
            return Err(format!("{name}: waits for itself: {}", self.path.join(", ")));
        }
        let mut module = Module::parse(&name, &(self.text)(&name)?)?;
        self.path.push(name.clone());
        let mut needs = String::new();
        for (path, names) in std::mem::take(&mut module.imports) {
            let needed = relative(&name, &path);
            if let Some(entry) = self.earlier.get(&needed) {
                wanted.entry(entry.clone()).or_default().insert(self.variable(&needed));
            } else if !self.own.contains(&needed) {
                let inner = self.module(needed.clone(), modules, wanted)?;
                if inner.body.contains("import(\"") {
                    return Err(format!("{needed}: import() is for entries only"));
                }
                let exports = inner.exports.join(", ");
                let variable = self.variable(&needed);
                let _ = writeln!(
                    modules,
                    "const {variable} = (() => {{\n{}return {{ {exports} }};\n}})();",
                    inner.body
                );
                self.own.push(needed.clone());
            }
            if !names.is_empty() {
                let _ = writeln!(
                    needs,
                    "const {{ {} }} = {};",
                    names.replace(" as ", ": "),
                    self.variable(&needed)
                );
            }
        }
        self.path.pop();
        module.body.insert_str(0, &needs);
        Ok(module)
    }
}

/// A module, without the words `import` and `export`.
struct Module {
    /// Path and names of each import.
    imports: Vec<(String, String)>,
    exports: Vec<String>,
    body: String,
}

impl Module {
    fn parse(name: &str, text: &str) -> Result<Module, String> {
        let mut module = Module { imports: Vec::new(), exports: Vec::new(), body: String::new() };
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if line.starts_with("import ") {
                let mut statement = line.to_owned();
                while !statement.ends_with(';') {
                    statement += lines.next().ok_or_else(|| format!("{name}: an import without an end"))?;
                }
                let import = Module::import(&statement);
                module.imports.push(import.ok_or_else(|| format!("{name}: cannot be joined: {statement}"))?);
            } else if let Some(declaration) = line.strip_prefix("export ") {
                let exported = Module::declared(declaration);
                module.exports.push(exported.ok_or_else(|| format!("{name}: cannot be joined: {line}"))?);
                module.body.extend([declaration, "\n"]);
            } else {
                module.body.extend([line, "\n"]);
            }
        }
        Ok(module)
    }

    /// Path and names of `import { a, b } from "./c.js";` or `import "./c.js";`.
    fn import(statement: &str) -> Option<(String, String)> {
        let statement = statement.strip_prefix("import ")?.strip_suffix("\";")?;
        let (names, path) = statement.split_once('"')?;
        let names = match names {
            "" => "",
            names => names.strip_prefix('{')?.strip_suffix("} from ")?.trim().trim_end_matches(','),
        };
        Some((path.to_owned(), names.to_owned()))
    }

    /// The name in `const a = …`, `function a() …`, `class A …`.
    fn declared(declaration: &str) -> Option<String> {
        let declaration = declaration.strip_prefix("async ").unwrap_or(declaration);
        let behind =
            ["const ", "function ", "class "].iter().find_map(|word| declaration.strip_prefix(word))?;
        let name: String = behind.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        (!name.is_empty()).then_some(name)
    }
}
