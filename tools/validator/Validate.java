import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.hl7.fhir.r5.elementmodel.Manager.FhirFormat;
import org.hl7.fhir.r5.utils.validation.constants.ReferenceValidationPolicy;
import org.hl7.fhir.utilities.http.ManagedWebAccess;
import org.hl7.fhir.utilities.validation.ValidationMessage;
import org.hl7.fhir.validation.ValidationEngine;
import org.hl7.fhir.validation.instance.advisor.BasePolicyAdvisorForFullValidation;

/**
 * HL7's validator in one JVM: packages as arguments, file names on standard input (a line each),
 * one JSON object a file on standard output. No terminology server, no network.
 */
public final class Validate {
  private static final String CORE = "hl7.fhir.r4.core#4.0.1";

  public static void main(String[] packages) throws Exception {
    PrintStream answers = System.out;
    System.setOut(System.err); // the engine reports its progress there
    ManagedWebAccess.setAccessPolicy(ManagedWebAccess.WebAccessPolicy.PROHIBITED);
    ValidationEngine engine = engine(packages);
    BufferedReader names =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String name; (name = names.readLine()) != null; ) {
      answers.println(new Gson().toJson(validated(engine, name)));
      answers.flush();
    }
    System.exit(0); // the engine leaves threads behind
  }

  private static ValidationEngine engine(String[] packages) throws Exception {
    ValidationEngine engine =
        new ValidationEngine.ValidationEngineBuilder()
            .withVersion("4.0.1")
            .withNoTerminologyServer()
            .withCanRunWithoutTerminologyServer(true)
            .withThoVersion("7.0.1")
            .withExtensionsVersion("5.3.0-ballot-tc1")
            .fromSource(CORE);
    for (String source : packages) {
      engine.getIgLoader().loadIg(engine.getIgs(), engine.getBinaries(), source, false);
    }
    engine.setTerminologyServer(null, null, null, false);
    // A reference is followed within its Bundle; what lies on a server is not there to be read.
    engine.setPolicyAdvisor(
        new BasePolicyAdvisorForFullValidation(
            ReferenceValidationPolicy.CHECK_TYPE_IF_EXISTS, Set.of()));
    engine.prepare();
    return engine;
  }

  private static JsonObject validated(ValidationEngine engine, String name) throws Exception {
    List<ValidationMessage> messages = new ArrayList<>();
    JsonArray issues = new JsonArray();
    try {
      byte[] content = Files.readAllBytes(Path.of(name));
      engine.validate(content, FhirFormat.JSON, new ArrayList<>(), messages);
    } catch (Exception | StackOverflowError refused) {
      issues.add(issue("fatal", "CRASH", "", refused.toString()));
    }
    for (ValidationMessage said : messages) {
      String id = said.getInvId() != null ? said.getInvId() : said.getMessageId();
      issues.add(issue(said.getLevel().toCode(), id, said.getLocation(), said.getMessage()));
    }
    JsonObject answer = new JsonObject();
    answer.addProperty("file", name);
    answer.add("issues", issues);
    return answer;
  }

  private static JsonObject issue(String severity, String id, String at, String text) {
    JsonObject made = new JsonObject();
    made.addProperty("severity", severity);
    made.addProperty("id", id == null ? "" : id);
    made.addProperty("at", at == null ? "" : at);
    made.addProperty("text", text);
    return made;
  }

  private Validate() {}
}
