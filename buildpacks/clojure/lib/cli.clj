;; The options of the program `clojure` (clojure.org/reference/clojure_cli) on the library tools.deps: finds the packages, and writes
;; to a file the words of the java command that is to run, each with a NUL behind it; none when nothing is to run.
;; Arguments: that file, the file for the basis, the folder with exec.clj, then what `clojure` was called with.
(ns cli
  (:require [clojure.edn :as edn]
            [clojure.java.io :as io]
            [clojure.string :as string]
            [clojure.tools.deps :as deps]
            [clojure.tools.deps.edn :as depsedn]))

(defn- keywords
  "`:one:two/three` as a list."
  [text]
  (map keyword (remove string/blank? (string/split text #":"))))

(defn- deps-data
  "What -Sdeps has."
  [text]
  (depsedn/canonicalize (edn/read-string {:default tagged-literal} text)))

(defn- mode-of
  "The option that ends the options: what is behind it is the program's."
  [found word words]
  (let [aliases (subs word 2)]
    (when-not (or (= aliases "") (string/starts-with? aliases ":"))
      (throw (ex-info (str "Named tools are not there in builds: " word ". Name an alias of deps.edn: -T:NAME") {})))
    (-> found
        (assoc :mode ({"-M" :main "-X" :exec "-T" :tool} (subs word 0 2)) :words words)
        (update :aliases into (keywords aliases)))))

(defn- options
  "Takes the command line apart."
  [all]
  (loop [found {:mode :repl :aliases [] :java [] :words []} [word & others :as words] all]
    (cond
      (nil? word) found
      (re-find #"^-[MXT]" word) (mode-of found word others)
      (string/starts-with? word "-A") (recur (update found :aliases into (keywords (subs word 2))) others)
      (string/starts-with? word "-J") (recur (update found :java conj (subs word 2)) others)
      (= word "-P") (recur (assoc found :prepare true) others)
      (= word "-Spath") (recur (assoc found :path true) others)
      (= word "-Sdeps") (recur (assoc found :extra (deps-data (first others))) (rest others))
      (= word "-Sthreads") (recur found (rest others))
      (#{"-Sforce" "-Srepro" "-Sverbose"} word) (recur found others)
      (= word "--") (assoc found :words others)
      (string/starts-with? word "-S") (throw (ex-info (str "The option " word " is not there in builds.") {}))
      :else (assoc found :words words))))

(defn- basis-of [{:keys [mode aliases extra]}]
  (let [basis (deps/create-basis {:user nil
                                  :extra extra
                                  :aliases aliases
                                  :args (when (= mode :tool) {:replace-paths ["."] :replace-deps {}})})
        unknown (remove (set (keys (:aliases basis))) aliases)]
    (when (seq unknown)
      (throw (ex-info (str "deps.edn has no alias " (string/join ", " unknown) ".") {})))
    (deps/prep-libs! (:libs basis) {:action :prep :log :info} basis)
    basis))

(defn- command
  "The words behind `java`."
  [{:keys [mode java words]} {:keys [argmap classpath-roots]} basis-file exec-folder]
  (let [by-name (#{:exec :tool} mode)
        roots (cond-> (vec classpath-roots) by-name (conj exec-folder))]
    (concat ["-XX:-OmitStackTraceInFastThrow"]
            (:jvm-opts argmap)
            java
            [(str "-Dclojure.basis=" basis-file) "-classpath" (deps/join-classpath roots) "clojure.main"]
            (cond by-name ["-m" "exec"] (= mode :main) (:main-opts argmap))
            words)))

(defn -main [out basis-file exec-folder & words]
  (try
    (let [{:keys [prepare path] :as asked} (options words)
          basis (basis-of asked)]
      (io/make-parents basis-file)
      (spit basis-file (binding [*print-namespace-maps* false] (pr-str basis)))
      (cond
        prepare nil
        path (println (deps/join-classpath (:classpath-roots basis)))
        :else (spit out (apply str (mapcat #(vector % "\0") (command asked basis basis-file exec-folder))))))
    (shutdown-agents)
    (catch Exception problem
      (binding [*out* *err*] (println (ex-message problem)))
      (System/exit 1))))
