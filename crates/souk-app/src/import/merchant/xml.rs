//! Items out of XML. Entities that a document declares are never looked at, so it can neither grow nor read
//! other files.

use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};

use quick_xml::encoding::DecodingReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::item::{Field, Item};
use crate::AppError;
use crate::sheet::{IsGzip, RowFault, bytes_of, file_error, normal_name};

/// Bytes of one tag or one stretch of text; chosen: descriptions end far below.
const EVENT_BYTES_MAX: u64 = 1 << 20;
/// Bytes of all values of an item; chosen as for a row of a table.
const ITEM_BYTES_MAX: usize = 1 << 20;
/// Attributes of an item; chosen: the specification has some hundred.
const ITEM_FIELDS_MAX: usize = 1_000;
/// Elements inside of each other; a feed has five.
const DEPTH_MAX: usize = 32;

/// Whether a file begins as XML does.
pub(in crate::import) fn is_xml(path: &Path, gzip: IsGzip) -> Result<bool, AppError> {
    let mut bytes = bytes_of(path, gzip)?;
    let head = bytes.fill_buf().map_err(|source| file_error(path, source))?;
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    // UTF-16 has a zero beside each sign of ASCII, after a mark that no other text begins with.
    let mut signs = head.iter().filter(|byte| !matches!(byte, 0 | 0xfe | 0xff));
    Ok(signs.find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<'))
}

/// Counts lines, and stops where one event of the reader grows beyond what it may take.
struct Counted<R> {
    inner: R,
    lines: u64,
    in_event: u64,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let taken = ready.len().min(buffer.len());
        buffer[..taken].copy_from_slice(&ready[..taken]);
        self.consume(taken);
        Ok(taken)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.in_event > EVENT_BYTES_MAX {
            return Err(io::Error::other(format!("a tag or text is over {EVENT_BYTES_MAX} bytes")));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, n_bytes: usize) {
        if let Ok(ready) = self.inner.fill_buf() {
            let taken = &ready[..n_bytes.min(ready.len())];
            self.lines += taken.iter().filter(|byte| **byte == b'\n').count() as u64;
        }
        self.in_event += n_bytes as u64;
        self.inner.consume(n_bytes);
    }
}

type Source = Counted<DecodingReader<Box<dyn BufRead + Send>>>;

/// Items of an XML file, read one by one.
pub(super) struct Items {
    path: PathBuf,
    reader: Reader<Source>,
    buffer: Vec<u8>,
    /// Elements that are open, outside of items.
    n_open: usize,
    has_root: bool,
    left_out: Vec<String>,
}

/// What is read of an item.
#[derive(Default)]
struct Open {
    item: Item,
    n_bytes: usize,
    /// 0 in the item itself, 1 in an attribute, 2 in a part of one.
    depth: usize,
    fault: Option<&'static str>,
    /// Names that are no XML's own.
    unknown_entity: Option<String>,
}

impl Items {
    /// Opens a feed.
    ///
    /// # Errors
    ///
    /// [`AppError::File`] when it cannot be read.
    pub(super) fn open(path: &Path, gzip: IsGzip) -> Result<Items, AppError> {
        let inner = DecodingReader::new(bytes_of(path, gzip)?);
        let reader = Reader::from_reader(Counted { inner, lines: 1, in_event: 0 });
        let (path, buffer, left_out) = (path.to_owned(), Vec::new(), Vec::new());
        Ok(Items { path, reader, buffer, n_open: 0, has_root: false, left_out })
    }

    /// Attributes that hold others and have no meaning for a product.
    pub(super) fn notes(self) -> Vec<String> {
        if self.left_out.is_empty() {
            return Vec::new();
        }
        vec![format!("left out: {}", self.left_out.join(", "))]
    }

    /// The next item; one that is too large or not to be read is a fault, `None` is the end.
    ///
    /// # Errors
    ///
    /// [`AppError::Invalid`] where the file stops being XML, or is no feed.
    pub(super) fn next_item(&mut self) -> Result<Option<Result<Item, RowFault>>, AppError> {
        loop {
            let line = self.line();
            let mut buffer = std::mem::take(&mut self.buffer);
            buffer.clear();
            self.reader.get_mut().in_event = 0;
            let event = self.reader.read_event_into(&mut buffer);
            match event.map_err(|error| self.malformed(&error))? {
                Event::Start(tag) if is_item(&tag) => {
                    self.buffer = Vec::new();
                    return self.item(line).map(Some);
                }
                Event::Start(_) if self.n_open == DEPTH_MAX => {
                    return Err(self.malformed(&format!("elements lie over {DEPTH_MAX} deep")));
                }
                Event::Start(tag) => {
                    if self.n_open == 0 {
                        self.check_root(&tag)?;
                        self.has_root = true;
                    }
                    self.n_open += 1;
                }
                Event::End(_) => self.n_open = self.n_open.saturating_sub(1),
                Event::Decl(declaration) => {
                    if let Some(encoding) = declaration.encoder() {
                        self.reader.get_mut().inner.set_encoding(encoding);
                    }
                }
                Event::Empty(tag) if self.n_open == 0 => {
                    self.check_root(&tag)?;
                    self.has_root = true;
                }
                Event::Eof if self.n_open > 0 || !self.has_root => {
                    return Err(self.malformed(&"it ends before its last tag"));
                }
                Event::Eof => return Ok(None),
                _ => {}
            }
            self.buffer = buffer;
        }
    }

    fn line(&self) -> u64 {
        self.reader.get_ref().lines
    }

    fn check_root(&self, tag: &BytesStart<'_>) -> Result<(), AppError> {
        let name = tag.local_name();
        let name: &str = name.as_ref();
        if ["rss", "feed", "RDF", "channel"].contains(&name) {
            return Ok(());
        }
        let shown: String = name.chars().take(40).collect();
        let detail = format!(
            "file `{}` is XML of `{shown}`; a product feed is RSS 2.0 (`rss`) or Atom (`feed`)",
            self.path.display()
        );
        Err(AppError::invalid("unknown_export", "path", detail))
    }

    fn malformed(&self, why: &dyn std::fmt::Display) -> AppError {
        let detail = format!(
            "file `{}`, line {}: {why}; what stands behind it cannot be read",
            self.path.display(),
            self.line()
        );
        AppError::invalid("malformed_xml", "path", detail)
    }

    /// Reads an item whose tag was just read.
    fn item(&mut self, line: u64) -> Result<Result<Item, RowFault>, AppError> {
        let mut open = Open::default();
        open.item.line = line;
        let mut buffer = Vec::new();
        loop {
            buffer.clear();
            self.reader.get_mut().in_event = 0;
            let event = self.reader.read_event_into(&mut buffer);
            match event.map_err(|error| self.malformed(&error))? {
                Event::End(_) if open.depth == 0 => break,
                Event::End(_) => open.depth -= 1,
                Event::Start(_) if open.depth == DEPTH_MAX => {
                    return Err(self.malformed(&format!("elements lie over {DEPTH_MAX} deep")));
                }
                Event::Start(tag) => {
                    open.begin(&tag);
                    open.depth += 1;
                }
                Event::Empty(tag) => open.begin(&tag),
                Event::Text(text) => open.add(&text.xml10_content()),
                Event::CData(text) => open.add(&text.xml10_content()),
                Event::GeneralRef(entity) => match entity.resolve_char_ref() {
                    Ok(Some(sign)) => open.add(sign.encode_utf8(&mut [0; 4])),
                    _ => open.entity(&entity),
                },
                Event::Eof => return Err(self.malformed(&"it ends inside of an item")),
                _ => {}
            }
        }
        for field in &open.item.fields {
            let is_known =
                matches!(&*field.name, "product_detail") || field.name.starts_with("structured_");
            if !field.parts.is_empty() && !is_known && !self.left_out.contains(&field.name) {
                self.left_out.push(field.name.clone());
            }
        }
        Ok(open.close())
    }
}

fn is_item(tag: &BytesStart<'_>) -> bool {
    let name = tag.local_name();
    let name: &str = name.as_ref();
    // `channel` lists `items` in RSS 1.0, and Atom calls an item an entry.
    matches!(name, "item" | "entry")
}

impl Open {
    fn begin(&mut self, tag: &BytesStart<'_>) {
        let local = tag.local_name();
        let name = normal_name(local.as_ref());
        self.n_bytes += name.len();
        match self.depth {
            0 if self.item.fields.len() == ITEM_FIELDS_MAX => {
                self.fault = Some("has over 1,000 attributes");
            }
            0 => {
                let is_prefixed = tag.name().prefix().is_some();
                let field = Field { name, is_prefixed, ..Field::default() };
                self.item.fields.push(field);
                // Atom: `<link href="…"/>`.
                let href = tag.try_get_attribute("href").ok().flatten();
                let version = XmlVersion::Implicit1_0;
                if let Some(href) = href.and_then(|href| href.normalized_value(version).ok()) {
                    self.depth += 1;
                    self.add(&href);
                    self.depth -= 1;
                }
            }
            1 => {
                if let Some(field) = self.item.fields.last_mut() {
                    field.parts.push((name, String::new()));
                }
            }
            // Markup inside of a text: its words follow.
            _ => {}
        }
    }

    fn add(&mut self, text: &str) {
        self.n_bytes += text.len();
        if self.n_bytes > ITEM_BYTES_MAX {
            self.fault = Some("is over 1 MiB");
            return;
        }
        let Some(field) = self.item.fields.last_mut() else { return };
        match (self.depth, field.parts.last_mut()) {
            (0, _) => {}
            (1, _) | (_, None) => field.value.push_str(text),
            (_, Some((_, value))) => value.push_str(text),
        }
    }

    /// A name between `&` and `;`.
    fn entity(&mut self, name: &str) {
        const KNOWN: [(&str, &str); 5] =
            [("lt", "<"), ("gt", ">"), ("amp", "&"), ("apos", "'"), ("quot", "\"")];
        match KNOWN.iter().find(|(known, _)| *known == name) {
            Some((_, sign)) => self.add(sign),
            None => self.unknown_entity = Some(name.chars().take(40).collect()),
        }
    }

    fn close(self) -> Result<Item, RowFault> {
        let line = self.item.line;
        let fault = |reason: String| Err(RowFault { line, column: String::new(), reason });
        if let Some(fault_text) = self.fault {
            return fault(format!("the item {fault_text}"));
        }
        match self.unknown_entity {
            Some(name) => {
                fault(format!("`&{name};` is none of XML's five; write the character itself"))
            }
            None => Ok(self.item),
        }
    }
}
