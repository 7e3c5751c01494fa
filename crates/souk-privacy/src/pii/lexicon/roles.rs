//! The words of each part, folded, in four languages and some more.

use super::Role;

/// Words by the part that they play; a word that stands twice plays its first part.
pub(super) const ROLES: &[(Role, &str)] = &[
    (
        Role::Street,
        "street st str road rd avenue ave av boulevard blvd lane ln drive court ct place pl \
         square sq terrace crescent close way highway hwy parkway pkwy alley row circle cir \
         trail trl mews grove gardens hill walk quay pike turnpike route rue chemin allee \
         impasse quai cours passage sentier bd chaussee ruelle calle c avenida avda avd paseo \
         plaza plza carrer camino carretera ctra ronda travesia glorieta rua estrada travessa \
         largo via viale piazza corso vicolo strada contrada strasse weg platz gasse ring \
         damm ufer straat laan plein ul ulica ulitsa aleja os osiedle plac utca ut ter korut \
         gade vej vei veien vegen gata gatan gate vagen katu tie cesta trg namesti trida \
         ulice put sokak caddesi cad sk mahallesi odos jalan jl corner esplanade parade rise \
         vale bend run loop landing cove crossing ridge heights expressway mount",
    ),
    (
        Role::Unit,
        "apt apartment suite ste unit flat floor fl room rm building bldg piso puerta \
         escalera bajo planta apartamento depto appartement appt etage batiment bat escalier \
         wohnung whg stock og hinterhaus lot block level penthouse studio",
    ),
    (Role::Box, "box pobox postfach apartado bp postbus boks cedex psc apo fpo dpo cmr"),
    (
        Role::Title,
        "mr mrs ms miss mx dr prof professor doctor sir madam rev hon capt herr herrn frau \
         fraulein monsieur madame mademoiselle mme mlle m docteur senor senora senorita sr \
         sra srta don dona doctora signor signora lord lady dame",
    ),
    (Role::Suffix, "jr phd md dds esq ii iii iv dvm"),
    (
        Role::Particle,
        "van der den de del della di da do dos das du von vom zu zur la le el al bin ben ibn \
         ter ten y e af av st mac mc san santa",
    ),
    (
        Role::Firm,
        "ltd inc llc plc corp co gmbh ag kg ohg ug sa sl slu sas sarl srl spa bv nv ab oy as \
         aps llp lp pty limited incorporated corporation company group holding holdings sons \
         bros partners associates",
    ),
    (
        Role::FirmWord,
        "bank institute university college school department ministry agency hospital clinic \
         foundation association studios systems technologies solutions services software labs \
         media consulting insurance airlines motors foods stores supermarket restaurant hotel \
         museum club union bureau center centre network international industries enterprises \
         logistics capital energy pharma markets banco banque",
    ),
    (Role::Direction, "north south east west ne nw se sw n s w norte sur nord sud ost"),
    (
        Role::State,
        "al ak az ar ca ct fl ga hi id il ia ks ky md ma mi mn ms mo mt nv nh nj nm ny nc nd \
         oh ok or pa ri sc sd tn tx ut vt va wa wv wi wy bc on qc ab nsw vic qld",
    ),
    (
        Role::Naming,
        "name named names called surname firstname lastname nickname signed sincerely regards \
         nombre llamo llama apellido apellidos llamado firmado atentamente saludos nom \
         appelle prenom cordialement signe heisse heisst vorname nachname grusse gruss namens \
         attn atencion",
    ),
    (
        Role::Locating,
        "address lives live living located ship shipped deliver delivered delivery direccion \
         vivo vive envio entrega domicilio adresse habite livraison livrer wohne wohnt \
         wohnhaft lieferung liefern anschrift lieferadresse moved visit visiting travel \
         travelling trip born office street",
    ),
    (
        Role::Job,
        "manager engineer officer director assistant clerk operator teacher nurse designer \
         developer technician analyst consultant administrator supervisor worker specialist \
         coordinator scientist editor writer surgeon therapist accountant lawyer attorney \
         driver installer repairer inspector tender setter planner advisor adviser agent \
         representative executive president secretary architect chemist physicist biologist \
         geologist psychologist pharmacist dentist pilot chef cook buyer trader broker \
         researcher lecturer librarian mechanic electrician plumber carpenter painter drafter \
         cleaner farmer fisher guard detective journalist producer photographer musician \
         actor dancer trainer coach instructor counselor aide attendant helper laborer \
         machinist assembler welder",
    ),
    (
        Role::Kin,
        "mother father mom dad wife husband son daughter brother sister friend uncle aunt \
         cousin partner boyfriend girlfriend neighbour neighbor colleague boss madre padre \
         mujer marido esposa esposo hijo hija hermano hermana amigo amiga mere pere femme \
         mari fils fille frere soeur ami amie collegue mutter vater ehemann sohn tochter \
         bruder schwester freund freundin kollege kollegin nachbar nachbarin mann",
    ),
    (
        Role::Greeting,
        "hello hi hey dear hola estimado estimada querido querida bonjour bonsoir salut cher \
         chere hallo liebe lieber geehrte geehrter thanks gracias merci danke",
    ),
    (
        Role::Saying,
        "said says asked told wrote writes replied spoke met meet meets knows dijo dice dit \
         sagt sagte starring directed by with",
    ),
    (
        Role::People,
        "afghan african albanian algerian american andorran angolan arab arabic argentine \
         argentinian armenian asian australian austrian azerbaijani bahraini bangladeshi basque \
         bavarian belarusian belgian bolivian bosnian brazilian british bulgarian burmese \
         cambodian cameroonian canadian caribbean catalan chilean chinese colombian congolese \
         croatian cuban cypriot czech danish dominican dutch ecuadorian egyptian english estonian \
         ethiopian european fijian filipino finnish flemish french georgian german ghanaian greek \
         greenlandic guatemalan haitian hawaiian honduran hungarian icelandic indian indonesian \
         iranian iraqi irish israeli italian ivorian jamaican japanese jewish jordanian kazakh \
         kenyan korean kurdish kuwaiti laotian latin latvian lebanese liberian libyan lithuanian \
         macedonian malaysian maltese mexican moldovan mongolian moroccan mozambican namibian \
         nepalese nepali nigerian norwegian pakistani palestinian panamanian paraguayan persian \
         peruvian polish portuguese qatari roman romanian russian rwandan salvadoran saudi \
         scandinavian scottish senegalese serbian singaporean slovak slovene slovenian somali \
         spanish sudanese swedish swiss syrian taiwanese tanzanian thai tibetan tunisian turkish \
         ugandan ukrainian uruguayan uzbek venezuelan vietnamese welsh yemeni zambian zimbabwean",
    ),
];
