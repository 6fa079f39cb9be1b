"""Words for the values of choices, in English, German, French, Spanish, Italian and Dutch."""

from collections.abc import Mapping
from typing import Any

from apps.catalog.models import Binding
from apps.inventory.models import Application, Criticality, Dependency


def _words(**words: str) -> dict[str, str]:
    """Return {text: value} of `value="text; text"`."""
    return {
        text.strip(): value
        for value, texts in words.items()
        for text in texts.split(";")
        if text.strip()
    }


def _with_labels(choices: Any, further: Mapping[str, str] | None = None) -> dict[str, object]:
    return {
        **{str(value): value for value in choices.values},
        **{str(label): value for value, label in choices.choices},
        **(further or {}),
    }


CRITICALITY: dict[str, object] = {
    **{level.name.lower(): level.value for level in Criticality},
    **{
        text: Criticality[name.upper()].value
        for text, name in _words(
            critical="mission critical; business critical; very high; highest; vital; severe; "
            "life critical; safety critical; catastrophic; bedrijfskritisch; bedrijfskritiek; "
            "vitale; vitaal; existenzkritisch; unternehmenskritisch; betriebskritisch; "
            "kritisch; sehr hoch; geschäftskritisch; höchste; critique; très élevé; très élevée; "
            "crítico; crítica; muy alto; muy alta; critico; critica; molto alto; molto alta; "
            "kritiek; zeer hoog; kritikus",
            important="high; major; essential; significant; hoch; wichtig; wesentlich; élevé; "
            "élevée; haut; haute; forte; fort; importante; alto; alta; rilevante; hoog; belangrijk",
            standard="medium; med; normal; moderate; regular; mid; mittel; moyen; moyenne; modéré; "
            "modérée; moderata; moderada; mittlere; ondersteunend; "
            "medio; media; moderado; normale; gemiddeld; middel; normaal",
            low="minor; lowest; non critical; not critical; uncritical; negligible; niedrig; "
            "gering; unkritisch; sehr niedrig; very low; faible; bajo; baja; basso; bassa; laag; "
            "minimal; unwesentlich; supporting; unterstützend; basse; bas; nice to have; "
            "best effort",
        ).items()
    },
}
STATUS: dict[str, object] = {
    **{value: value for value in Application.Status.values},
    **_words(
        production="prod; live; productive; operational; in use; active; in production; "
        "in operation; in service; operating; deployed; released; rolled out; "
        "go live; running; bau; business as usual; "
        "produktion; produktiv; in produktion; in betrieb; aktiv; im einsatz; wirkbetrieb; "
        "produktivbetrieb; en production; en service; actif; active; déployé; mise en production; "
        "opérationnel; producción; en producción; en uso; activo; activa; operativo; operativa; "
        "en marcha; en funcionamiento; en servicio; en explotación; vigente; in funzione; "
        "in servizio; in dienst; operationeel; operationell; operativ; "
        "produzione; in produzione; in esercizio; attivo; in uso; productie; in productie; "
        "actief; in gebruik",
        pilot="test; testing; staging; uat; beta; alpha; trial; poc; proof of concept; pilotphase; "
        "preproduction; pre production; piloting; in pilot; in test; mvp; limited rollout; "
        "pilotierung; pilotbetrieb; testphase; im test; erprobung; pilote; en pilote; "
        "phase pilote; "
        "essai; en test; expérimentation; piloto; en piloto; prueba; en pruebas; pilota; "
        "in sperimentazione; sperimentazione; progetto pilota; in prova; collaudo; proef; "
        "proeffase; pilotfase; testfase; versuchsbetrieb; probebetrieb; testbetrieb; "
        "versuchsphase; in erprobung; soft launch; shadow mode; en piloto; fase piloto; in proef; "
        "ensayo; en ensayo",
        proposed="planned; idea; proposal; geplant; in planning; draft; in development; "
        "development; dev; in dev; build; in build; under development; in progress; design; "
        "in design; concept; ideation; backlog; pipeline; being built; building; "
        "requested; under review; in review; "
        "approved not started; not started; in entwicklung; entwicklung; konzept; in planung; "
        "planung; idee; beantragt; en développement; développement; prévu; planifié; projet; "
        "en projet; en cours; à l'étude; en desarrollo; desarrollo; planificado; previsto; "
        "propuesto; en estudio; in sviluppo; sviluppo; pianificato; proposta; in fase di studio; "
        "in ontwikkeling; ontwikkeling; gepland; voorstel; idee fase; bouw; in aanbouw; im aufbau; "
        "en construcción; in costruzione; en construction; on the roadmap; roadmap; on roadmap; "
        "en obras; en proyecto; in progetto; in realizzazione; nog niet gestart; por iniciar",
        retired="decommissioned; sunset; switched off; stillgelegt; abgeschaltet; out of use; "
        "retired; end of life; eol; discontinued; shut down; terminated; inactive; closed; "
        "withdrawn; abandoned; außer betrieb; eingestellt; beendet; abgelöst; arrêté; "
        "hors service; "
        "décommissionné; abandonné; retiré; retirado; retirada; dado de baja; fuera de servicio; "
        "descontinuado; dismesso; dismessa; ritirato; cessato; fuori servizio; uitgefaseerd; "
        "buiten gebruik; gestopt; beëindigd",
    ),
}
# an application that is interrupted: none of the states, so the user is asked
PAUSED = (
    "paused; on hold; on ice; grounded; suspended; halted; parked; frozen; dormant; interrupted; "
    "ruht; ruhend; pausiert; sistiert; ausgesetzt; angehalten; zurückgestellt; gestoppt; auf eis; "
    "en pause; suspendu; suspendue; interrompu; en attente; à l'arrêt; parado; parada; en pausa; "
    "pausado; suspendido; suspendida; detenido; paralizado; in pausa; sospeso; sospesa; fermo; "
    "gepauzeerd; opgeschort; on hold gezet; in de wacht; stilgelegd"
)
AI_ACT = _with_labels(
    Application.AiActClass,
    _words(
        prohibited="unacceptable; unacceptable risk; forbidden; banned; verboten; "
        "inakzeptabel; interdit; inacceptable; prohibido; inaceptable; vietato; inaccettabile; "
        "verboden; onaanvaardbaar",
        high="high risk ai act; high risk eu ai act; high risk annex iii; annex iii; hoch; "
        "hochrisiko; hohes risiko; haut risque; risque élevé; élevé; alto; alto riesgo; "
        "riesgo alto; alto rischio; rischio alto; hoog; hoog risico",
        limited="transparency; transparency risk; limited risk transparency; transparency "
        "obligations; art 50; article 50; begrenzt; begrenztes risiko; "
        "geringes risiko transparenz; "
        "limité; risque limité; limitado; riesgo limitado; limitato; rischio limitato; beperkt; "
        "beperkt risico",
        minimal="no risk; low; low risk; minimal or no risk; minimales risiko; gering; niedrig; "
        "kein risiko; minime; risque minimal; faible; mínimo; riesgo mínimo; bajo; minimo; "
        "rischio minimo; basso; minimaal; minimaal risico; laag",
    ),
)
# the highest class, apart because a linter takes the word for a password
_HIGHEST = (
    "restricted; highly confidential; strictly confidential; highly restricted; "
    "very confidential; highly sensitive; top secret; streng vertraulich; geheim; "
    "streng geheim; strictement confidentiel; très confidentiel; secreto; secreta; "
    "estrictamente confidencial; muy confidencial; strettamente riservato; segreto; "
    "strettamente confidenziale; strikt vertrouwelijk; zeer vertrouwelijk; restreint; "
    "restringido"
)
DATA_CLASS = _with_labels(
    Application.DataClass,
    dict.fromkeys(_HIGHEST.split("; "), "secret")
    | _words(
        public="open; unrestricted; unclassified; öffentlich; offen; publique; público; pública; "
        "pubblico; pubblica; publiek; openbaar",
        internal="internal use; internal use only; internal only; for internal use; intern; "
        "nur intern; nur für den internen gebrauch; interne; usage interne; interno; interna; "
        "uso interno; uso interno solo; company; company internal; company only; business use",
        confidential="vertraulich; diffusion restreinte; confidentiel; confidentielle; "
        "confidencial; riservato; "
        "riservata; confidenziale; vertrouwelijk; private; sensitive",
    ),
)
AI_ACT_ROLE = _with_labels(
    Application.AiActRole,
    _words(
        provider="anbieter; fournisseur; proveedor; fornitore; aanbieder",
        deployer="user; operator; betreiber; déployeur; utilisateur; responsable del despliegue; "
        "utilizzatore; gebruiksverantwoordelijke",
        importer="einführer; importeur; importateur; importador; importatore",
        distributor="händler; distributeur; distribuidor; distributore",
    ),
)
AUTONOMY = _with_labels(
    Application.Autonomy,
    _words(
        assists="human in the loop; hitl; assistive; decision support; assistant; assistenz",
        supervised="human on the loop; hotl; semi autonomous; teilautonom; überwacht",
        autonomous="human out of the loop; fully autonomous; fully automated; autonom; automatic; "
        "vollautomatisch; autonome; autónomo; autonomo; autonoom",
    ),
)
IMPACT = _with_labels(
    Application.Impact,
    _words(
        high="hoch; élevé; haut; alto; alta; hoog",
        medium="mittel; moyen; medio; media; gemiddeld",
        low="niedrig; gering; faible; bajo; baja; basso; bassa; laag",
    ),
)
ROLE = _with_labels(
    Dependency.Role,
    _words(
        primary="main; default; llm; chat; principal; haupt; hauptmodell; principale; hoofd",
        fallback="backup; secondary; failover; ersatz; reserve; secours; respaldo; riserva",
        judge="evaluator; grader; scorer; evaluation",
        guardrail="moderation; guard; safety",
        embedding="embeddings; embed; vector; retrieval",
        reranker="rerank",
        tool="tools",
    ),
)
REACHED = _with_labels(
    Dependency.Reached,
    _words(direct="direkt; directe; directo; diretto", embedded="vendor", gateway="via gateway"),
)
BINDING = _with_labels(Binding, _words(alias="moving", pinned="fixed"))
# Values of a field in the order of the classes by number: class 1 is the first of them, unless the
# words say otherwise.
SCALES: dict[str, tuple[object, ...]] = {
    "application.criticality": (0, 1, 2, 3),
    "application.data_classification": ("public", "internal", "confidential", "secret"),
    "application.impact_of_discontinuing": ("low", "medium", "high"),
}
