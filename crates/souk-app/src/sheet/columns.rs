use crate::AppError;

/// The column names of a file, with a look-up by meaning.
#[derive(Clone, Debug)]
pub struct Columns {
    names: Vec<String>,
}

impl Columns {
    /// Takes the names as [`Sheet::columns`](super::Sheet::columns) gives them.
    pub fn new(names: &[String]) -> Columns {
        Columns { names: names.to_vec() }
    }

    /// The first column that bears one of `synonyms`, in the order of the synonyms.
    pub fn find(&self, synonyms: &[&str]) -> Option<usize> {
        synonyms.iter().find_map(|name| self.names.iter().position(|column| column == name))
    }

    /// As [`Columns::find`], for a column that must be there.
    ///
    /// # Errors
    ///
    /// [`AppError::Invalid`] naming the accepted and the present columns.
    pub fn need(&self, synonyms: &[&str]) -> Result<usize, AppError> {
        self.find(synonyms).ok_or_else(|| {
            let others = match &synonyms[1..] {
                [] => String::new(),
                others => format!(" (or {})", others.join(", ")),
            };
            let (name, names) = (synonyms[0], self.names.join(", "));
            let detail = format!("there is no column `{name}`{others}; the columns are {names}");
            AppError::invalid("missing_column", synonyms[0], detail)
        })
    }

    /// All columns that bear one of these names.
    pub(crate) fn all(&self, synonyms: &[&[&str]]) -> Vec<usize> {
        let is_one = |name: &String| synonyms.iter().any(|names| names.contains(&name.as_str()));
        (0..self.names.len()).filter(|idx| is_one(&self.names[*idx])).collect()
    }

    /// The names in the order of the file.
    pub fn names(&self) -> &[String] {
        &self.names
    }
}

/// Lower case with words joined by `_`: `InvoiceNo`, `Invoice No` and `invoice-no` are one name.
pub fn normal_name(name: &str) -> String {
    let mut normal = String::with_capacity(name.len() + 4);
    let mut previous = ' ';
    for letter in name.trim().chars() {
        if letter.is_alphanumeric() {
            let begins_word =
                letter.is_uppercase() && (previous.is_lowercase() || previous.is_numeric());
            if begins_word && !normal.ends_with('_') {
                normal.push('_');
            }
            normal.extend(letter.to_lowercase());
        } else if !normal.is_empty() && !normal.ends_with('_') {
            normal.push('_');
        }
        previous = letter;
    }
    normal.truncate(normal.trim_end_matches('_').len());
    normal
}
