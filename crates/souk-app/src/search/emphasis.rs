//! The found words of a title, marked for a page.

/// A title with the found words in `<em>`, safe to be put into a page; `None` without any.
pub(super) fn highlighted(title: &str, found: &[std::ops::Range<usize>]) -> Option<String> {
    if found.is_empty() {
        return None;
    }
    let mut html = String::with_capacity(title.len() + found.len() * 9);
    let mut written = 0;
    for range in found {
        escape(&title[written..range.start], &mut html);
        html.push_str("<em>");
        escape(&title[range.clone()], &mut html);
        html.push_str("</em>");
        written = range.end;
    }
    escape(&title[written..], &mut html);
    Some(html)
}

fn escape(text: &str, html: &mut String) {
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
}
