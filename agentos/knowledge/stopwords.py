"""Words that say nothing about what a question is about, in the languages of most who ask here. Without accents."""

STOPWORDS = frozenset(
    # English
    "a about after all also am an and any are as at be because been before being between but by can could did do does doing done down each for "
    "from had has have having he her here hers him his how i if in into is it its just like me many may might many may might more most much must my no nor not of off on once "
    "one only or other our out over own per said same shall she should so some such than that the their them then there these they this those "
    "through to too under until up us very was we were what when where which while who whom whose why will with would you your tell please "
    # German
    "aber alle allem allen aller alles als am an andere auch auf aus bei beim bin bis bist da damit dann das dass dem den denn der des dessen die "
    "dies diese diesem diesen dieser dieses doch dort du durch ein eine einem einen einer eines er es etwas fur gegen gibt haben hat hatte ich "
    "ihm ihn ihr ihre ihren im in ist ja jede jedem jeden jeder jedes kann kein keine konnen konnte man mehr mein mich mir mit muss mussen nach "
    "nicht noch nun nur ob oder ohne sehr sein seine sich sie sind so soll sollen sollte uber um und uns unser unter viel vom von vor wann war "
    "waren warum was weil welche welchem welchen welcher welches wenn wer werden wie wieviel wieso will wir wird wo wurde wurden zu zum zur "
    # French
    "au aux avec ce ces cet cette comme comment dans de des du elle elles en est et etait etre eu il ils je la le les leur leurs lui ma mais me "
    "meme mes moi mon ne nos notre nous on ont ou ou par pas peut plus pour pourquoi qu quand que quel quelle quelles quels qui sa sans se ses "
    "son sont sur ta te tes toi ton tu un une vos votre vous y sont doit faut combien "
    # Spanish
    "al algo como con cual cuales cuando cuanto cuantos de del desde donde el ella ellos en entre era es esa ese eso esta estan este esto estos "
    "fue ha hay la las le les lo los mas mi muy ni no nos o para pero por porque que quien se ser si sin sobre son su sus tambien tiene un una uno "
    "unos y ya debe "
    # Italian
    "agli ai al alla alle anche che chi ci come con cosa cui da dal dalla dei del della delle di dove e gli ha hanno i il in io la le lo ma nel "
    "nella no non per perche piu quale quali quando quanto quello questa questo se si sono su sul sulla tra un una uno deve "
    # Portuguese, Dutch
    "ao aos as com como da das do dos e em mais na nao nas no nos o os ou para pela pelo por porque quais qual quando quanto que quem se sem ser "
    "seu sua sao um uma aan al als bij dan dat de deze die dit door een en er geen het hij hoe hun ik in is je kan maar meer met mijn na naar "
    "niet nog of om onder ons ook op over te tot uit van veel voor waar waarom was wat welke wie wij wordt ze zij zijn zo moet "
    # Russian
    "а без бы был была были в вам вас во вот все вы где да для до его ее если есть еще же за и из или им их к как какая какие какой когда кто ли мне "
    "мы на надо не него нет но о об он она они от по под почему при с сколько со так там то только у уже чем что чтобы это я".split()
)
