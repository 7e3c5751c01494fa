use serde_json::{Value, json};
use souk_privacy::receipt::{ReceiptKey, ReceiptPublicKey, Signature, mark_of};
use souk_privacy::seal::SecretKey;

use super::request::PrivacyRequest;
use crate::{App, AppError};

/// The name of the signing key's seed in the key store.
pub const RECEIPT_SEED: &str = "receipt-signing";
/// How long a fitted model may still rest on numbers that an erased person had a part in.
const MODELS_REFITTED_S: u64 = 86_400;

/// What was done, as a text that the installation signed to the byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// A JSON object as text; the signature is of exactly these bytes.
    pub statement: String,
    /// Ed25519, 128 hexadecimal digits.
    pub signature: String,
    /// The public key, 64 hexadecimal digits.
    pub public_key: String,
}

impl Receipt {
    /// The receipt as JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "statement": self.statement,
            "signature": self.signature,
            "public_key": self.public_key,
        })
    }

    /// Reads the JSON form.
    pub fn from_json(value: &Value) -> Option<Receipt> {
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        Some(Receipt {
            statement: text("statement")?,
            signature: text("signature")?,
            public_key: text("public_key")?,
        })
    }
}

/// Checks a receipt with the public key of the installation that is said to have signed it.
///
/// # Errors
///
/// [`AppError::Invalid`] with code `invalid_receipt`; the text says what does not hold.
pub fn check_receipt(receipt: &Receipt, public_key: &str) -> Result<Value, AppError> {
    let refuse = |detail: &str| AppError::invalid("invalid_receipt", "", detail);
    let key = ReceiptPublicKey::parse(public_key)
        .ok_or_else(|| refuse("the public key is not 64 hexadecimal digits"))?;
    if ReceiptPublicKey::parse(&receipt.public_key) != Some(key) {
        return Err(refuse("the receipt was signed with another key than this installation's"));
    }
    let signature = Signature::parse(&receipt.signature)
        .ok_or_else(|| refuse("the signature is not 128 hexadecimal digits"))?;
    if !key.verifies(&receipt.statement, &signature) {
        return Err(refuse("the signature does not belong to this statement"));
    }
    serde_json::from_str(&receipt.statement).map_err(|_| refuse("the statement is no JSON"))
}

/// The public key of receipts that this seed signs: 64 hexadecimal digits.
pub fn receipt_public_key(seed: &SecretKey) -> String {
    ReceiptKey::from_seed(seed).public().to_string()
}

impl App {
    /// The public key by which this installation's receipts are checked: 64 hexadecimal digits.
    ///
    /// # Errors
    ///
    /// As the key store.
    pub async fn receipt_key(&self) -> Result<String, AppError> {
        let seed = self.parts.keys.secret(RECEIPT_SEED).await?;
        Ok(receipt_public_key(&seed))
    }

    /// Signs what an erasure did.
    pub(super) async fn sign_receipt(&self, request: &PrivacyRequest) -> Result<Receipt, AppError> {
        let marks: Vec<String> = request.subjects.iter().map(|one| mark_of(*one)).collect();
        let time = |at: Option<souk_core::Timestamp>| at.map(|at| at.to_string());
        let statement = json!({
            "version": 1,
            "what": "erasure",
            "request_id": request.request_id,
            "received_at": request.received_at.to_string(),
            "keys_destroyed_and_views_exact_at": time(request.views_at),
            "older_snapshots_destroyed_at": time(request.complete_at),
            "fitted_models_refitted_by":
                request.views_at.map(|at| at.plus_ms(MODELS_REFITTED_S as i64 * 1_000).to_string()),
            "subjects": request.n_subjects,
            "subject_marks": marks,
            "kept": "sales without persons (product, place, day, quantity, amount), as the books need",
        })
        .to_string();
        let key = ReceiptKey::from_seed(&self.parts.keys.secret(RECEIPT_SEED).await?);
        Ok(Receipt {
            signature: key.sign(&statement).to_string(),
            public_key: key.public().to_string(),
            statement,
        })
    }
}
